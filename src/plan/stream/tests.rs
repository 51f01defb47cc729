//! What every stream promises, on random ones: skewed, sorted, interleaved, tiny.

use proptest::prelude::*;

use super::*;
use crate::plan::ClassMixture;

/// Floats in the quotas; far below the smallest step of a count.
const TOLERANCE: f64 = 1e-6;

#[derive(Clone, Debug)]
struct Case {
    labels: Vec<u32>,
    mixtures: Vec<ClassMixture>,
    config: StreamConfig,
}

type Slots = Vec<(Slot, Content<usize>)>;

/// A batch, and how the stream stood when it went out.
struct Dealt {
    slots: Slots,
    spares: BTreeMap<u32, Vec<Numbered<usize>>>,
    /// The images so far.
    images: usize,
    /// The images that waited before it.
    waiting: usize,
    ended: bool,
}

impl Case {
    fn planner(&self) -> Result<StreamPlanner<usize>> {
        let classes: Vec<String> = (0..self.mixtures.len()).map(|class| format!("class {class}")).collect();
        let mixture = Mixture::PerClass(classes.iter().cloned().zip(self.mixtures.iter().copied()).collect());
        StreamPlanner::new(classes, StreamConfig { mixture, ..self.config.clone() })
    }

    /// All batches, each image standing for itself by its number.
    fn run(&self) -> Result<Vec<Dealt>> {
        let mut planner = self.planner()?;
        let mut dealt = Vec::new();
        for images in 0..=self.labels.len() {
            match self.labels.get(images) {
                Some(label) => planner.push(images, *label, images)?,
                None => planner.end(),
            }
            assert!(planner.waiting() <= self.room(), "{} wait", planner.waiting());
            loop {
                let waiting = planner.waiting();
                let Some(StreamBatch { samples: slots, spares }) = planner.next_batch()? else { break };
                let ended = images == self.labels.len();
                dealt.push(Dealt { slots, spares, images: (images + 1).min(self.labels.len()), waiting, ended });
            }
        }
        assert_eq!(planner.waiting(), 0);
        Ok(dealt)
    }

    fn room(&self) -> usize {
        self.config.batch_size + self.config.look_ahead
    }

    fn synthetic_share(&self, class: usize) -> f64 {
        match self.mixtures[class] {
            ClassMixture::Share(share) => share,
            _ => 0.0,
        }
    }

    /// The share of each class in a batch, but under the natural balance.
    fn shares(&self) -> Vec<f64> {
        let weights = match &self.config.balance {
            Balance::Weights(weights) => weights.clone(),
            _ => vec![1.0; self.mixtures.len()],
        };
        let sum: f64 = weights.iter().sum();
        weights.iter().map(|weight| weight / sum).collect()
    }
}

fn labels(classes: u32) -> impl Strategy<Value = Vec<u32>> {
    let of = move |shape: u32, length: usize, noise: Vec<u32>| {
        let label = |i: usize| match shape {
            0 => noise[i] % classes,
            // One class is far the most frequent.
            1 => (noise[i] % 40).saturating_sub(39 - classes.min(39)) % classes,
            // Interleaved.
            2 => i as u32 % classes,
            // Sorted, but for one of each class at the beginning.
            _ if i < classes as usize => i as u32,
            _ => (i * classes as usize / length) as u32,
        };
        (0..length).map(label).collect()
    };
    (0..4_u32, prop_oneof![1..8_usize, 1..200_usize]).prop_flat_map(move |(shape, length)| {
        prop::collection::vec(any::<u32>(), length).prop_map(move |noise| of(shape, length, noise))
    })
}

fn balance(classes: usize) -> impl Strategy<Value = Balance> {
    prop_oneof![Just(Balance::Uniform), prop::collection::vec(0.1..5.0_f64, classes).prop_map(Balance::Weights)]
}

fn case() -> impl Strategy<Value = Case> {
    (1..6_usize).prop_flat_map(|classes| {
        let mixture = prop_oneof![2 => Just(ClassMixture::None), 1 => (0.0..0.95_f64).prop_map(ClassMixture::Share)];
        let mixtures = prop::collection::vec(mixture, classes);
        let config = (1..20_usize, balance(classes), 0..60_usize, 1..6_usize, any::<u64>());
        let config = config.prop_map(|(batch_size, balance, look_ahead, reservoir, seed)| StreamConfig {
            batch_size,
            balance,
            mixture: Mixture::default(),
            look_ahead,
            reservoir,
            spares: false,
            seed,
            epoch: seed % 3,
        });
        (labels(classes as u32), mixtures, config).prop_map(|(labels, mixtures, config)| Case {
            labels,
            mixtures,
            config,
        })
    })
}

/// The batches, or none if the stream rightly lacks a class.
fn dealt(case: &Case) -> Option<Vec<Dealt>> {
    match case.run() {
        Ok(dealt) => Some(dealt),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Dataset, "{error}");
            let lacks = |class: &u32| error.message().contains(&format!("class {class}"));
            let class = (0..case.mixtures.len() as u32).find(lacks).expect("the message names the class");
            assert_eq!(case.synthetic_share(class as usize), 0.0);
            None
        }
    }
}

fn count(slots: &[(Slot, Content<usize>)], class: usize, of: impl Fn(&Content<usize>) -> bool) -> f64 {
    slots.iter().filter(|(slot, content)| slot.label as usize == class && of(content)).count() as f64
}

fn news(slots: &[(Slot, Content<usize>)]) -> impl Iterator<Item = (u32, usize)> + '_ {
    slots.iter().filter_map(|(slot, content)| match content {
        Content::New(item) => Some((slot.label, *item)),
        _ => None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn every_image_is_used_in_the_order_of_its_class(mut case in case(), natural: bool) {
        if natural {
            case.config.balance = Balance::Natural;
        }
        let Some(dealt) = dealt(&case) else { return Ok(()) };
        let mut used: Vec<(u32, usize)> = dealt.iter().flat_map(|dealt| news(&dealt.slots)).collect();
        if !natural {
            // Within a batch they stand in a random order.
            used.sort_by_key(|(_, item)| *item);
        }
        prop_assert!(used.into_iter().eq(case.labels.iter().copied().zip(0..)));
        let mut last_of_batch = vec![None; case.mixtures.len()];
        for dealt in &dealt {
            let before = last_of_batch.clone();
            for (label, item) in news(&dealt.slots) {
                prop_assert!(before[label as usize] < Some(item));
                last_of_batch[label as usize] = last_of_batch[label as usize].max(Some(item));
            }
        }
    }

    #[test]
    fn every_batch_is_within_one_sample_of_its_quotas(case in case()) {
        let Some(dealt) = dealt(&case) else { return Ok(()) };
        let (last, full) = dealt.split_last().expect("a stream has a batch");
        prop_assert!(full.iter().all(|dealt| dealt.slots.len() == case.config.batch_size));
        prop_assert!((1..=case.config.batch_size).contains(&last.slots.len()));
        for (class, share) in case.shares().into_iter().enumerate() {
            let mut came = false;
            for Dealt { slots, .. } in &dealt {
                let (quota, found) = (slots.len() as f64 * share, count(slots, class, |_| true));
                prop_assert!((found - quota).abs() < 1.0 + TOLERANCE, "{found} of class {class}, quota {quota}");
                // Until the first image of a class comes, all its samples may be synthetic.
                came |= count(slots, class, |content| *content != Content::Synthetic) > 0.0;
                if came {
                    let quota = found * case.synthetic_share(class);
                    let found = count(slots, class, |content| *content == Content::Synthetic);
                    prop_assert!((found - quota).abs() < 1.0 + TOLERANCE, "{found} synthetic, quota {quota}");
                }
            }
        }
    }

    #[test]
    fn images_are_repeated_only_where_they_lack(case in case()) {
        let Some(dealt) = dealt(&case) else { return Ok(()) };
        let mut used = vec![false; case.labels.len()];
        for Dealt { slots, images, waiting, ended, .. } in &dealt {
            news(slots).for_each(|(_, item)| used[item] = true);
            for (slot, content) in slots {
                let Content::Repeat(item) = content else { continue };
                prop_assert!(used[*item] && case.labels[*item] == slot.label);
                prop_assert!(*ended || *waiting == case.room(), "{waiting} of {} wait", case.room());
                let came = case.labels[..*images].iter().zip(&used).filter(|(label, _)| **label == slot.label);
                prop_assert!(came.into_iter().all(|(_, used)| *used), "an image of the class still waits");
            }
        }
    }

    #[test]
    fn origins_and_keys_tell_the_samples_apart(mut case in case(), natural: bool) {
        if natural {
            case.config.balance = Balance::Natural;
        }
        let Some(dealt) = dealt(&case) else { return Ok(()) };
        let mut serials = vec![0; case.mixtures.len()];
        for (position, (slot, content)) in dealt.iter().flat_map(|dealt| &dealt.slots).enumerate() {
            let StreamConfig { seed, epoch, .. } = case.config;
            let key = SampleKey { seed, epoch, position: position as u64, purpose: Purpose::Transform };
            prop_assert_eq!(slot.key, key);
            match content {
                Content::New(item) | Content::Repeat(item) => prop_assert_eq!(slot.origin, Origin::Real(*item)),
                Content::Synthetic => {
                    let serial = &mut serials[slot.label as usize];
                    prop_assert_eq!(slot.origin, Origin::Synthetic(*serial));
                    *serial += 1;
                }
            }
        }
    }

    #[test]
    fn the_same_stream_gives_the_same_batches(case in case()) {
        let (Some(first), Some(second)) = (dealt(&case), dealt(&case)) else { return Ok(()) };
        prop_assert!(first.iter().map(|dealt| &dealt.slots).eq(second.iter().map(|dealt| &dealt.slots)));
    }

    #[test]
    fn spares_are_images_of_the_class_that_came(mut case in case(), natural: bool, spares: bool) {
        if natural {
            case.config.balance = Balance::Natural;
        }
        case.config.spares = spares;
        let Some(dealt) = dealt(&case) else { return Ok(()) };
        let mut used = vec![0; case.mixtures.len()];
        for Dealt { slots, spares, images, .. } in &dealt {
            news(slots).for_each(|(label, _)| used[label as usize] += 1);
            prop_assert!(case.config.spares || spares.is_empty());
            for (label, spares) in spares {
                prop_assert!(slots.iter().any(|(slot, _)| slot.label == *label));
                prop_assert_eq!(spares.len(), used[*label as usize].min(case.config.reservoir));
                prop_assert!(spares.iter().all(|spare| spare.index < *images && case.labels[spare.index] == *label));
            }
        }
    }

    #[test]
    fn the_natural_balance_repeats_nothing(mut case in case()) {
        case.config.balance = Balance::Natural;
        let dealt = case.run().expect("no class is needed");
        let (last, full) = dealt.split_last().expect("a stream has a batch");
        prop_assert!(full.iter().all(|dealt| dealt.slots.len() == case.config.batch_size));
        let samples = |of: fn(&Content<usize>) -> bool, class| -> f64 {
            dealt.iter().map(|dealt| count(&dealt.slots, class, of)).sum()
        };
        prop_assert!(!last.slots.is_empty());
        for class in 0..case.mixtures.len() {
            prop_assert_eq!(samples(|content| matches!(content, Content::Repeat(_)), class), 0.0);
            // Up to the last image of the class.
            let synthetic = samples(|content| *content == Content::Synthetic, class);
            let quota = samples(|_| true, class) * case.synthetic_share(class);
            prop_assert!((synthetic - quota).abs() < 1.0 + TOLERANCE, "{synthetic} synthetic, quota {quota}");
        }
    }
}

fn of(labels: &[u32], balance: Balance, mixtures: &[ClassMixture]) -> Case {
    let config = StreamConfig {
        batch_size: 4,
        balance,
        mixture: Mixture::default(),
        look_ahead: 6,
        reservoir: 3,
        spares: false,
        seed: 1,
        epoch: 0,
    };
    Case { labels: labels.to_vec(), mixtures: mixtures.to_vec(), config }
}

fn message(case: &Case) -> String {
    case.run().err().expect("the stream cannot be planned").to_string()
}

const NONE: ClassMixture = ClassMixture::None;

#[test]
fn a_stream_in_balance_is_not_repeated() {
    let labels: Vec<u32> = (0..40).map(|i| i / 2 % 2).collect();
    let dealt = of(&labels, Balance::Uniform, &[NONE; 2]).run().expect("both classes come");
    assert_eq!(dealt.len(), 10);
    assert!(dealt.iter().all(|dealt| news(&dealt.slots).count() == 4));
    // Each goes out as soon as it is full.
    assert!(dealt.iter().enumerate().all(|(batch, dealt)| dealt.images == 4 * (batch + 1)));
}

#[test]
fn the_last_batch_is_as_small_as_the_quotas_allow() {
    let sizes = |labels: &[u32]| -> Vec<usize> {
        let dealt = of(labels, Balance::Uniform, &[NONE; 2]).run().expect("both classes come");
        dealt.iter().map(|dealt| dealt.slots.len()).collect()
    };
    assert_eq!(sizes(&[0, 1]), [2]);
    assert_eq!(sizes(&[0, 1, 0, 1, 0, 1]), [4, 2]);
    // Three of one class need a full batch and one place more.
    assert_eq!(sizes(&[0, 0, 1, 0])[0], 4);
}

#[test]
fn a_class_that_does_not_come_is_named() {
    let sorted = [[0; 20], [1; 20]].concat();
    let error = message(&of(&sorted, Balance::Uniform, &[NONE; 2]));
    assert!(error.contains("no image of class \"class 1\" was among the first 10 of the stream"), "{error}");
    assert!(error.contains("shuffle the stream, raise look_ahead, or give the class a synthetic share"), "{error}");
    let error = message(&of(&[0, 0], Balance::Uniform, &[NONE; 2]));
    assert!(error.contains("ended without an image of class \"class 1\""), "{error}");
    assert!(message(&of(&[], Balance::Uniform, &[NONE; 2])).contains("without an image: expected at least one"));
}

#[test]
fn synthetic_samples_stand_in_for_a_class_that_does_not_come() {
    let case = of(&[0; 20], Balance::Uniform, &[NONE, ClassMixture::Share(0.5)]);
    let dealt = case.run().expect("the class has a share");
    assert!(dealt.iter().all(|dealt| count(&dealt.slots, 1, |content| *content == Content::Synthetic) == 2.0));
}

#[test]
fn images_without_a_place_are_refused_by_their_number() {
    let weights = Balance::Weights(vec![1.0, 0.0]);
    for (case, why) in [
        (of(&[0, 0, 1], weights, &[NONE; 2]), "its weight is 0"),
        (of(&[0, 0, 1], Balance::Uniform, &[NONE, ClassMixture::Share(1.0)]), "it is to be wholly synthetic"),
    ] {
        let error = case.run().err().expect("the class is closed");
        assert_eq!((error.kind(), error.index()), (ErrorKind::Config, Some(2)));
        assert!(error.message().contains(why), "{error}");
    }
    let error = of(&[0, 7], Balance::Natural, &[NONE; 2]).run().err().expect("there is no class 7");
    assert_eq!((error.kind(), error.index()), (ErrorKind::Dataset, Some(1)));
}

#[test]
fn what_needs_counts_or_cannot_be_is_refused() {
    let config = |change: fn(&mut Case)| {
        let mut case = of(&[0, 1], Balance::Uniform, &[NONE; 2]);
        change(&mut case);
        let error = case.planner().expect_err("the configuration is refused");
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        error.to_string()
    };
    let refused = [
        config(|case| case.config.balance = Balance::EffectiveNumber { beta: 0.9 }),
        config(|case| case.mixtures[1] = ClassMixture::FillTo(5)),
        config(|case| case.mixtures[1] = ClassMixture::Share(1.5)),
        config(|case| case.config.balance = Balance::Weights(vec![1.0])),
        config(|case| case.config.balance = Balance::Weights(vec![1.0, 1e-9])),
        config(|case| case.config.batch_size = 0),
        config(|case| case.config.reservoir = 0),
        config(|case| case.mixtures.clear()),
        config(|case| *case = of(&[0], Balance::Natural, &[ClassMixture::Share(1.0)])),
    ];
    let expected = [
        "Balance::Uniform, or weights",
        "give ClassMixture::Share",
        "share in [0, 1]",
        "one weight for each of the 2 classes",
        "at least 0.000001",
        "batch size from 1",
        "at least 1 image for each class",
        "names of the classes",
        "give it a share below 1",
    ];
    for (message, expected) in refused.iter().zip(expected) {
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_share_near_1_takes_no_memory_under_the_natural_balance() {
    let case = of(&[0, 1, 0], Balance::Natural, &[ClassMixture::Share(1.0 - 2e-6), NONE]);
    let mut planner = case.planner().expect("the share is below 1");
    (0..3).for_each(|index| planner.push(index, case.labels[index], index).expect("the classes have places"));
    let batch = planner.next_batch().expect("nothing fails").expect("many samples wait");
    assert!(batch.samples.iter().all(|(slot, content)| slot.label == 0 && *content == Content::Synthetic));
}

#[test]
fn other_seeds_give_other_orders() {
    let labels: Vec<u32> = (0..60).map(|i| u32::from(i % 5 == 0)).collect();
    let origins = |seed| -> Vec<Origin> {
        let mut case = of(&labels, Balance::Uniform, &[NONE; 2]);
        case.config.seed = seed;
        let dealt = case.run().expect("both classes come");
        dealt.iter().flat_map(|dealt| dealt.slots.iter().map(|(slot, _)| slot.origin)).collect()
    };
    assert_ne!(origins(1), origins(2));
}
