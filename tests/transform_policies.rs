//! Transforms of colour, filters, noise and erasing, and the policies, draw what torchvision's draw: the same operations as often, with numbers of the
//! same distributions. The references and the script that made them are in `fixtures/`.
//!
//! Both sides draw 100,000 times. The seeds are fixed; a test at the level of one in ten thousand passes for equal distributions, and fails for
//! a range or a probability that is off by some hundredths of itself.

#[path = "common/draws.rs"]
mod draws;

use std::collections::BTreeMap;

use candle_augment::{ErrorKind, Op, RandomGamma, Result, SampleInfo, Size, Step, TrivialAugmentWide};
use draws::{Shape, assert_same_distribution, assert_same_shares, draw, pairs, read_references, taken_apart};
use serde::Deserialize;

#[derive(Deserialize)]
struct References {
    draws: u64,
    cases: Vec<Case>,
    policies: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    /// Under its name, with torchvision's names of its parameters.
    transform: Step,
    image: Shape,
    /// How often each sequence of operations was drawn, by their names; for AugMix, so many operations.
    sequences: BTreeMap<String, u64>,
    /// Points of the distribution of each number: a value, and the share of draws up to it.
    numbers: BTreeMap<String, Vec<(f64, f64)>>,
    /// How often each operation of a policy was drawn.
    ops: Vec<(Op, u64)>,
}

impl References {
    fn read() -> Self {
        read_references("policy-draw-references.json.gz")
    }
}

impl Case {
    fn draws(&self, draws: u64) -> impl Iterator<Item = Vec<Op>> {
        let (transform, info) = (self.transform.clone(), self.image.info());
        (0..draws).map(move |position| draw(&transform, info, position))
    }

    fn title(&self) -> String {
        format!("{:?} for {:?}", self.transform, self.image)
    }
}

#[test]
fn operations_and_their_numbers_are_torchvisions() {
    let references = References::read();
    for case in &references.cases {
        let (mut sequences, mut numbers) = (BTreeMap::new(), BTreeMap::<String, Vec<f64>>::new());
        for ops in case.draws(references.draws) {
            let mut names = Vec::new();
            for (name, found) in ops.iter().map(taken_apart) {
                names.push(name);
                found.into_iter().for_each(|(path, number)| numbers.entry(path).or_default().push(number));
            }
            *sequences.entry(names.join(",")).or_insert(0) += 1;
        }
        let title = case.title();
        assert_same_shares(&title, pairs(&case.sequences, &sequences));
        assert!(case.numbers.keys().eq(numbers.keys()), "{title}: {:?} {:?}", case.numbers.keys(), numbers.keys());
        for (path, found) in numbers {
            // There are as many on the other side but for chance, which the sequences show.
            let (points, expected) = (&case.numbers[&path], found.len() as u64);
            assert_same_distribution(&format!("{title}: {path}"), points, expected, found);
        }
    }
}

#[test]
fn policies_choose_as_torchvisions() {
    let references = References::read();
    for case in &references.policies {
        let is_mix = matches!(case.transform, Step::AugMix(_));
        let (mut sequences, mut counts) = (BTreeMap::new(), vec![0; case.ops.len()]);
        for mut ops in case.draws(references.draws) {
            if is_mix {
                ops = chains(ops);
                *sequences.entry(ops.len().to_string()).or_insert(0) += 1;
            } else {
                let names: Vec<&str> = ops.iter().map(name).collect();
                *sequences.entry(names.join(",")).or_insert(0) += 1;
            }
            for op in &ops {
                // To the bit: the same magnitudes, rounded in the same way.
                let which = case.ops.iter().position(|(known, _)| known == op);
                counts[which.unwrap_or_else(|| panic!("{}: {op:?} is not torchvision's", case.title()))] += 1;
            }
        }
        assert_same_shares(&case.title(), pairs(&case.sequences, &sequences));
        let ops: Vec<String> = case.ops.iter().map(|(op, _)| format!("{op:?}")).collect();
        let expected = case.ops.iter().map(|&(_, count)| count);
        let cells =
            ops.iter().zip(expected).zip(&counts).map(|((op, expected), &found)| (op.as_str(), expected, found));
        assert_same_shares(&case.title(), cells);
    }
}

#[test]
fn the_weights_of_aug_mix_are_torchvisions() {
    let references = References::read();
    for case in references.policies.iter().filter(|case| matches!(case.transform, Step::AugMix(_))) {
        let (mut mixings, mut firsts, mut largest) = (Vec::new(), Vec::new(), Vec::new());
        for ops in case.draws(references.draws) {
            let [Op::Blend { chains, mixing }] = &ops[..] else { panic!("{ops:?}") };
            let weights: Vec<f64> = chains.iter().map(|(weight, _)| f64::from(*weight)).collect();
            assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-6, "{weights:?}");
            mixings.push(f64::from(*mixing));
            firsts.push(weights[0]);
            largest.push(weights.into_iter().fold(0.0, f64::max));
        }
        for (name, found) in [("mixing", mixings), ("weight", firsts), ("largest weight", largest)] {
            assert_same_distribution(name, &case.numbers[name], references.draws, found);
        }
    }
}

/// Gray images can have all operations, but a warp of theirs cannot show a colour.
#[test]
fn gray_images_take_one_value_as_fill() {
    let gray = SampleInfo { size: Size::square(28), channels: 1, class: None };
    let one = TrivialAugmentWide::default().with_fill(128);
    let three = TrivialAugmentWide::default().with_fill([1, 2, 3]);
    let mut refused = 0;
    for position in 0..1000 {
        draw(&one, gray, position).iter().for_each(|op| assert_eq!(op.output(gray).unwrap(), gray));
        for op in draw(&three, gray, position) {
            let is_warp = matches!(op, Op::Affine { .. } | Op::Rotate { .. });
            match op.output(gray) {
                Ok(info) => assert!(!is_warp && info == gray, "{op:?}"),
                Err(error) => {
                    assert!(is_warp && error.kind() == ErrorKind::Transform, "{error}");
                    assert!(error.message().contains("give one value"), "{error}");
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 0);
}

/// The operations of all chains that are blended.
fn chains(ops: Vec<Op>) -> Vec<Op> {
    let [Op::Blend { chains, .. }] = &ops[..] else { panic!("{ops:?}") };
    chains.iter().flat_map(|(_, chain)| chain.clone()).collect()
}

/// The name of an operation that a policy may draw.
fn name(op: &Op) -> &'static str {
    match op {
        Op::Affine { .. } => "affine",
        Op::Rotate { .. } => "rotate",
        Op::Brightness { .. } => "brightness",
        Op::Contrast { .. } => "contrast",
        Op::Saturation { .. } => "saturation",
        Op::Sharpness { .. } => "sharpness",
        Op::Posterize { .. } => "posterize",
        Op::Solarize { .. } => "solarize",
        Op::Autocontrast => "autocontrast",
        Op::Equalize => "equalize",
        Op::Invert => "invert",
        op => panic!("no policy draws {op:?}"),
    }
}

/// torchvision has no such transform: the exponent is uniform, and drawn with the probability.
#[test]
fn gammas_are_uniform() -> Result<()> {
    let info = SampleInfo { size: Size::square(4), channels: 3, class: None };
    for (gamma, p, low, high) in [
        (RandomGamma::default(), 0.5, 0.8, 1.2),
        (RandomGamma::new(0.5..=2.0)?.with_p(0.9)?, 0.9, 0.5, 2.0),
        (RandomGamma::new(0.3)?.with_p(0.1)?, 0.1, 0.7, 1.3),
    ] {
        let draws = 20_000;
        let found: Vec<f64> = (0..draws)
            .filter_map(|position| match draw(&gamma, info, position)[..] {
                [] => None,
                [Op::Gamma { gamma, gain: 1.0 }] => Some(f64::from(gamma)),
                ref other => panic!("{other:?}"),
            })
            .collect();
        let share = |count: f64| (count, draws as f64 - count);
        let (drawn, not) = share(found.len() as f64);
        let (expected, rest) = share(p * draws as f64);
        let chi = (drawn - expected).powi(2) / expected + (not - rest).powi(2) / rest;
        // One degree of freedom: above 15.1 once in ten thousand.
        assert!(chi < 15.1, "{gamma:?} was drawn {drawn} times of {draws}");
        let points: Vec<(f64, f64)> =
            (0..=64).map(|i| f64::from(i) / 64.0).map(|share| (low + (high - low) * share + 1e-7, share)).collect();
        assert_same_distribution(&format!("{gamma:?}"), &points, draws, found);
    }
    Ok(())
}
