//! Training under watch: faults of every kind end in a usable generator or in an error that says why.

mod common;

use candle_augment::gan::{
    Architecture, Augmentation, Budget, DiscriminatorNorm, Event, Examiner, GanConfig, GeneratorSource, Loss, Reaction,
    Score, Supervisor, Trainer,
};
use candle_augment::{
    Balance, Batch, DataLoader, Dataset, DatasetExt, Error, ErrorKind, Image, InMemory, Normalize, Purpose, Result,
    SampleKey, SyntheticRequest, SyntheticSource, digits, endless,
};
use candle_core::{Device, Tensor};

/// Digits, few of them, and a small GAN.
fn small_config(set: &dyn Dataset) -> GanConfig {
    GanConfig {
        // The cheapest.
        architecture: Architecture::Transposed,
        latent: 16,
        embedding: 8,
        generator_width: 16,
        discriminator_width: 16,
        batch_size: 32,
        generator_rate: 2e-3,
        discriminator_rate: 2e-3,
        ..GanConfig::new(8, 1, set.classes())
    }
}

fn loader(set: impl Dataset + 'static, batch_size: usize) -> Result<DataLoader> {
    DataLoader::builder(set)
        .batch_size(batch_size)
        .balance(Balance::Uniform)
        .normalize(Normalize::signed())
        .workers(1)
        .build()
}

/// What a training under watch came to.
struct Run {
    supervisor: Supervisor,
    events: Vec<Event>,
    scores: Vec<Score>,
}

impl Run {
    fn said(&self) -> String {
        self.events.iter().map(|event| format!("{event}\n")).collect()
    }

    fn has(&self, reaction: impl Fn(&Reaction) -> bool) -> bool {
        self.events.iter().any(|event| reaction(&event.reaction))
    }
}

/// Trains for `steps` on the batches of `loader`, each changed by `spoil`.
fn train(
    config: GanConfig,
    loader: &DataLoader,
    steps: u64,
    spoil: impl Fn(u64, Batch) -> Result<Batch>,
) -> Result<Run> {
    let batches = || endless(loader).zip(0..).map(|(batch, n)| spoil(n, batch?));
    let examiner = Examiner::train(&config, batches(), 60, &Device::Cpu)?;
    let trainer = Trainer::new(config, &Device::Cpu)?;
    let mut supervisor = Supervisor::new(trainer, examiner, None, Budget::Steps(steps))?;
    let (mut events, mut scores) = (Vec::new(), Vec::new());
    for batch in batches() {
        let mut progress = supervisor.step(&batch?)?;
        events.append(&mut progress.events);
        scores.extend(progress.score);
        if progress.finished {
            break;
        }
    }
    Ok(Run { supervisor, events, scores })
}

/// Two requests for samples of a class.
fn two_of(label: u32) -> [SyntheticRequest; 2] {
    let key = |position| SampleKey { seed: 0, epoch: 0, position, purpose: Purpose::Synthetic };
    [0, 1].map(|serial| SyntheticRequest { label, serial, key: key(serial) })
}

/// A generator that makes images, or an error that says what to do.
fn assert_usable_or_explained(run: &Run) {
    // Reading refuses values that are no numbers.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gan.safetensors");
    run.supervisor.save(&path).unwrap();
    Trainer::load(&path, &Device::Cpu).unwrap();
    match run.supervisor.source() {
        Ok(source) => {
            // One image for every noise is a collapse, which must have been seen.
            let narrow = run.scores.last().is_some_and(|score| score.narrowest.1 < 0.2);
            for label in 0..source.classes().len() as u32 {
                let images = source.generate(&two_of(label)).unwrap();
                assert!(images[0] != images[1] || narrow, "class {label}: {}", run.said());
            }
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Tensor);
            assert!(error.to_string().contains("train it for longer"), "{error}");
        }
    }
    for score in &run.scores {
        for value in [score.agreement, score.diversity, score.coverage] {
            assert!((0.0..=1.0).contains(&value), "{score:?}");
        }
    }
}

#[test]
fn a_sound_training_keeps_its_best() -> Result<()> {
    let set = digits()?.per_class(40, 0)?;
    let config = small_config(&set);
    let run = train(config, &loader(set, 32)?, 240, |_, batch| Ok(batch))?;
    let best = run.scores.iter().map(Score::value).fold(0.0, f64::max);
    assert_eq!(run.supervisor.best().expect("it learns").value(), best, "{}", run.said());
    assert!(best > 0.1, "{}", run.said());
    // The best generator, and that of the file.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gan.safetensors");
    run.supervisor.save(&path)?;
    let (source, loaded) = (run.supervisor.source()?, GeneratorSource::load(&path)?);
    let key = SampleKey { seed: 0, epoch: 0, position: 0, purpose: Purpose::Synthetic };
    let requests: Vec<_> = (0..10).map(|label| SyntheticRequest { label, serial: 0, key }).collect();
    assert_eq!(source.generate(&requests)?, loaded.generate(&requests)?);
    assert_eq!((source.step(), source.has_learnt()), (loaded.step(), loaded.has_learnt()));
    assert_eq!(source.has_learnt(), Some(true));
    assert!(run.has(|reaction| *reaction == Reaction::Kept));
    assert!(!run.has(|reaction| matches!(reaction, Reaction::Discarded | Reaction::WentBack { .. })), "{}", run.said());
    Ok(())
}

#[test]
fn a_hundredfold_learning_rate_is_lowered_until_it_learns() -> Result<()> {
    let set = digits()?.per_class(40, 0)?;
    let good = small_config(&set);
    let config = GanConfig { generator_rate: 0.2, discriminator_rate: 0.2, ..good };
    let run = train(config, &loader(set, 32)?, 500, |_, batch| Ok(batch))?;
    assert_usable_or_explained(&run);
    if run.supervisor.best().is_none() {
        assert!(
            run.has(|reaction| matches!(reaction, Reaction::WentBack { rate, .. } if *rate < 0.02)),
            "{}",
            run.said()
        );
    }
    println!("{}", run.said());
    Ok(())
}

#[test]
fn a_discriminator_that_has_won_is_slowed_down() -> Result<()> {
    let set = digits()?.per_class(40, 0)?;
    let good = small_config(&set);
    // The loss whose gradient vanishes, a generator that hardly moves, and no noise to hide its samples in.
    let loss = Loss::Minimax;
    let config = GanConfig { loss, noise: 0.0, generator_rate: 1e-6, discriminator_rate: 1e-2, ..good };
    let loader = loader(set, 32)?;
    let examiner = Examiner::train(&config, endless(&loader), 10, &Device::Cpu)?;
    // Planned for so many steps that the samples are not examined in those made.
    let mut supervisor = Supervisor::new(Trainer::new(config, &Device::Cpu)?, examiner, None, Budget::Steps(10_000))?;
    let steps = endless(&loader).take(110).map(|batch| supervisor.step(&batch?));
    let events: Vec<Event> = steps.collect::<Result<Vec<_>>>()?.into_iter().flat_map(|step| step.events).collect();
    let said: String = events.iter().map(|event| format!("{event}\n")).collect();
    assert!(events.first().is_some_and(|event| event.reaction == Reaction::SlowedDiscriminator(0.5)), "{said}");
    assert!(said.contains("so the discriminator teaches it nothing"), "{said}");
    Ok(())
}

#[test]
fn an_image_that_is_no_number_is_left_out() -> Result<()> {
    let set = digits()?.per_class(20, 0)?;
    let run = train(small_config(&set), &loader(set, 32)?, 60, |n, batch| {
        if n % 5 != 2 {
            return Ok(batch);
        }
        let factors: Vec<f32> = (0..batch.len()).map(|i| if i == 3 { f32::NAN } else { 1.0 }).collect();
        let factors = Tensor::from_vec(factors, (batch.len(), 1, 1, 1), &Device::Cpu)?;
        Ok(Batch::new(batch.images.broadcast_mul(&factors)?, batch.labels))
    })?;
    assert_usable_or_explained(&run);
    let left_out: Vec<&Event> = run.events.iter().filter(|event| event.reaction == Reaction::LeftOut).collect();
    assert_eq!(left_out.len(), 12);
    assert_eq!(
        left_out[0].to_string(),
        "step 3: 1 of 32 images with values that are NaN or infinite: left out of the step"
    );
    Ok(())
}

#[test]
fn batches_of_nothing_but_faults_are_passed_over() -> Result<()> {
    let set = digits()?.per_class(20, 0)?;
    let run = train(small_config(&set), &loader(set, 32)?, 60, |n, batch| {
        let factor = if n % 2 == 0 { f64::INFINITY } else { 1.0 };
        Ok(Batch::new((batch.images * factor)?, batch.labels))
    })?;
    assert_usable_or_explained(&run);
    assert_eq!(run.events.iter().filter(|event| event.reaction == Reaction::Discarded).count(), 30);
    Ok(())
}

/// Finite values, but so large that their square overflows, which shows in the loss alone.
#[test]
fn steps_that_diverge_in_a_row_lead_back_to_the_best() -> Result<()> {
    let set = digits()?.per_class(40, 0)?;
    // A batch norm would bring them back to size.
    let (loss, discriminator_norm) = (Loss::LeastSquares, DiscriminatorNorm::Spectral);
    let config = GanConfig { loss, discriminator_norm, ..small_config(&set) };
    let run = train(config, &loader(set, 32)?, 120, |n, batch| match n {
        // The examiner learns from the first 60, too.
        105..108 => Ok(Batch::new((batch.images * 1e30)?, batch.labels)),
        _ => Ok(batch),
    })?;
    assert_usable_or_explained(&run);
    let reactions: Vec<Reaction> = run.events.iter().map(|event| event.reaction).collect();
    let first = reactions.iter().position(|reaction| *reaction == Reaction::Discarded).expect("it is noticed");
    let [Reaction::Discarded, Reaction::Discarded, Reaction::Discarded, Reaction::WentBack { to, rate, .. }] =
        reactions[first..first + 4]
    else {
        panic!("{}", run.said());
    };
    assert!(to <= 105 && rate < 1.0, "{}", run.said());
    assert_eq!(run.supervisor.trainer().steps(), 120);
    Ok(())
}

#[test]
fn what_only_gets_worse_goes_back_and_ends_early() -> Result<()> {
    let set = digits()?.per_class(40, 0)?;
    let run = train(small_config(&set), &loader(set, 32)?, 3000, |n, batch| match n {
        ..450 => Ok(batch),
        _ => Ok(Batch::new(batch.images.zeros_like()?, batch.labels)),
    })?;
    assert!(run.has(|reaction| matches!(reaction, Reaction::WentBack { .. })), "{}", run.said());
    assert_eq!(run.events.last().map(|event| event.reaction), Some(Reaction::Stopped), "{}", run.said());
    assert!(run.supervisor.trainer().steps() < 3000);
    assert_usable_or_explained(&run);
    let best = run.scores.iter().map(Score::value).fold(0.0, f64::max);
    assert_eq!(run.supervisor.best().expect("it learnt before").value(), best);
    assert!(run.supervisor.source()?.step() <= 600, "{}", run.said());
    Ok(())
}

/// Digits with some images changed or left out.
fn changed(keep: impl Fn(u32, usize) -> bool, change: impl Fn(u32, Image) -> Image) -> Result<InMemory> {
    let set = digits()?.per_class(40, 0)?;
    let (mut images, mut labels, mut counts) = (Vec::new(), Vec::new(), [0; 10]);
    for index in 0..set.len() {
        let label = set.label(index);
        if keep(label, counts[label as usize]) {
            images.push(change(label, set.load(index)?));
            labels.push(label);
        }
        counts[label as usize] += 1;
    }
    InMemory::from_images(images, labels, set.classes().to_vec())
}

#[test]
fn a_class_of_two_images() -> Result<()> {
    let set = changed(|label, n| label != 4 || n < 2, |_, image| image)?;
    let run = train(small_config(&set), &loader(set, 32)?, 160, |_, batch| Ok(batch))?;
    assert_usable_or_explained(&run);
    assert!(run.supervisor.best().is_some(), "{}", run.said());
    Ok(())
}

#[test]
fn two_classes_that_are_the_same() -> Result<()> {
    let original = digits()?.per_class(40, 0)?;
    let ones: Vec<Image> = (0..original.len())
        .filter(|&index| original.label(index) == 1)
        .map(|index| original.load(index))
        .collect::<Result<_>>()?;
    let next = std::cell::Cell::new(0);
    let set = changed(
        |_, _| true,
        |label, image| {
            if label != 7 {
                return image;
            }
            next.set(next.get() + 1);
            ones[next.get() % ones.len()].clone()
        },
    )?;
    let run = train(small_config(&set), &loader(set, 32)?, 160, |_, batch| Ok(batch))?;
    assert_usable_or_explained(&run);
    // That two classes cannot be told apart is no fault of the samples.
    assert!(run.supervisor.best().expect("it learns").agreement > 0.3, "{}", run.said());
    Ok(())
}

#[test]
fn nothing_but_black_images() -> Result<()> {
    let set = changed(|_, _| true, |_, image| Image::filled(image.height(), image.width(), &[0]).unwrap())?;
    let run = train(small_config(&set), &loader(set, 32)?, 120, |_, batch| Ok(batch))?;
    assert_usable_or_explained(&run);
    Ok(())
}

#[test]
fn a_batch_of_one_is_an_error_that_says_so() -> Result<()> {
    let set = digits()?.per_class(20, 0)?;
    let error: Error =
        train(small_config(&set), &loader(set, 1)?, 60, |_, batch| Ok(batch)).err().expect("one is too few");
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("at least 2 images"), "{error}");
    Ok(())
}

#[test]
fn held_out_images_show_what_is_known_by_heart() -> Result<()> {
    let set = digits()?.per_class(3, 0)?;
    let config = GanConfig {
        noise: 0.0,
        discriminator_width: 32,
        augmentation: Augmentation { translation: true, cutout: true, probability: 0.1, target: None, color: false },
        ..small_config(&set)
    };
    let held_out = loader(digits()?.per_class(10, 99)?, 100)?.epoch(0).next().expect("a batch")?;
    let loader = loader(set, 30)?;
    let examiner = Examiner::train(&config, endless(&loader), 60, &Device::Cpu)?;
    let trainer = Trainer::new(config, &Device::Cpu)?;
    let mut supervisor = Supervisor::new(trainer, examiner, Some(held_out), Budget::Steps(400))?;
    let (mut events, mut overfit) = (Vec::new(), None);
    for batch in endless(&loader) {
        let mut progress = supervisor.step(&batch?)?;
        events.append(&mut progress.events);
        overfit = progress.score.and_then(|score| score.overfit).or(overfit);
        if progress.finished {
            break;
        }
    }
    let said: String = events.iter().map(|event| format!("{event}\n")).collect();
    assert!(events.iter().any(|event| matches!(event.reaction, Reaction::Augmented(_))), "{said}");
    assert!(said.contains("held-out images"), "{said}");
    assert!(overfit.is_some_and(|overfit| overfit > 0.5), "{overfit:?}");
    Ok(())
}

#[test]
fn stopped_and_resumed_it_ends_with_the_same_bits() -> Result<()> {
    let set = digits()?.per_class(20, 0)?;
    let config = GanConfig {
        augmentation: Augmentation { translation: true, probability: 0.2, target: Some(0.6), ..Default::default() },
        ..small_config(&set)
    };
    let loader = loader(set, 32)?;
    let examiner = || Examiner::train(&config, endless(&loader), 30, &Device::Cpu);
    let held_out = || loader.epoch(0).next().expect("a batch").map(Some);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let run = |supervisor: &mut Supervisor, steps: usize| -> Result<()> {
        let first = supervisor.trainer().steps() as usize;
        endless(&loader).skip(first).take(steps).try_for_each(|batch| supervisor.step(&batch?).map(|_| ()))
    };
    let new = |steps| {
        Supervisor::new(Trainer::new(config.clone(), &Device::Cpu)?, examiner()?, held_out()?, Budget::Steps(steps))
    };
    let mut through = new(50)?;
    run(&mut through, 50)?;
    through.save(file("through"))?;
    for stop in [0, 15, 20, 45] {
        let mut stopped = new(50)?;
        run(&mut stopped, stop)?;
        stopped.save(file("stopped"))?;
        let budget = Budget::Steps(50 - stop as u64);
        let mut resumed = Supervisor::load(file("stopped"), &Device::Cpu, examiner()?, held_out()?, budget)?;
        run(&mut resumed, 50 - stop)?;
        resumed.save(file("resumed"))?;
        let (through, resumed) = (std::fs::read(file("through")).unwrap(), std::fs::read(file("resumed")).unwrap());
        assert!(through == resumed, "stopped at {stop}");
    }
    Ok(())
}
