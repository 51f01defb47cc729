//! The sources of synthetic samples that are compared: each made once, or as the results so far say.

use std::sync::Arc;
use std::time::Duration;

use candle_augment::compare::Training;
use candle_augment::gan::{GanConfig, GeneratorSource};
use candle_augment::gate::Choice;
use candle_augment::quality::PoolConfig;
use candle_augment::{Dataset, Error, ErrorKind, Image, Result, SyntheticSource};

use super::super::filter::{self, Filtered};
use super::super::shares::{GAN, Gate, NamedSource};
use super::super::training;
use super::super::words::count;
use super::super::workshop::Workshop;
use super::arms::ArmName;
use super::store::{Chosen, Folder, Stored};

/// The most samples of a class that are filtered, and the memory for those of all.
const POOL: usize = 1000;
const POOL_BYTES: usize = 1 << 30;

/// Makes sources from the training images alone.
pub struct Sources<'a> {
    workshop: &'a Workshop,
    train: &'a Arc<dyn Dataset>,
    folder: &'a Folder,
    stored: &'a mut Stored,
    /// The time that a GAN is trained for.
    time: Duration,
    gan: Option<Arc<GeneratorSource>>,
    interpolation: Option<Arc<dyn SyntheticSource>>,
}

impl<'a> Sources<'a> {
    /// `given` is a GAN that was trained before.
    pub fn new(
        workshop: &'a Workshop,
        train: &'a Arc<dyn Dataset>,
        folder: &'a Folder,
        stored: &'a mut Stored,
        given: Option<GeneratorSource>,
        time: Duration,
    ) -> Self {
        Self { workshop, train, folder, stored, time, gan: given.map(Arc::new), interpolation: None }
    }

    /// The GAN: the one that was given, the one that the results so far are of, or one that is trained now and kept.
    pub fn gan(&mut self) -> Result<Arc<GeneratorSource>> {
        if let Some(gan) = &self.gan {
            return Ok(Arc::clone(gan));
        }
        let gan = Arc::new(match self.stored.gan_steps {
            Some(steps) => self.stored_gan(steps)?,
            None => self.new_gan()?,
        });
        self.gan = Some(Arc::clone(&gan));
        Ok(gan)
    }

    /// The GAN, if it was given or made by now.
    pub fn made_gan(&self) -> Option<Arc<GeneratorSource>> {
        self.gan.clone()
    }

    /// Of the samples of `gan` those that classifiers of the training images, trained as `training` says, accept. An error of `go_on`
    /// ends the work.
    pub fn filtered(
        &self,
        gan: Arc<GeneratorSource>,
        training: &Training,
        go_on: impl Fn() -> Result<()>,
    ) -> Result<Filtered> {
        let config = filter::config(training);
        let folds = filter::judges(&config, self.train, &go_on)?;
        let GanConfig { size, channels, ref classes, .. } = *gan.config();
        // A classifier sees so many of a class at most.
        let seen = (training.steps * training.batch_size).div_ceil(classes.len());
        let room = POOL_BYTES / (classes.len() * (size * size * channels + size_of::<Image>()));
        let pools = PoolConfig {
            size: seen.min(POOL).min(room).max(1),
            bytes: POOL_BYTES,
            seed: config.seed,
            ..PoolConfig::default()
        };
        filter::filtered(&config, self.train, &folds, gan as _, pools, &go_on)
    }

    fn stored_gan(&self, steps: u64) -> Result<GeneratorSource> {
        let path = self.folder.gan();
        if !path.exists() {
            let message =
                "the GAN that the results so far are of is not there any more: put it back, or start anew with --force";
            return Err(Error::new(ErrorKind::Checkpoint, message).with_path(&path));
        }
        let source = GeneratorSource::load(&path)?;
        if source.step() == steps {
            return Ok(source);
        }
        let message = format!(
            "the results so far are of a GAN after {}, but this one has made {}: put it back, or start anew with --force",
            count(steps, "step", "steps"),
            source.step()
        );
        Err(Error::new(ErrorKind::Checkpoint, message).with_path(&path))
    }

    fn new_gan(&mut self) -> Result<GeneratorSource> {
        let supervisor = self.workshop.gan(self.train, self.time)?;
        // It says so where nothing was learnt.
        training::best(&supervisor)?;
        supervisor.save(self.folder.gan())?;
        // Read as it will be when the comparison goes on.
        let source = GeneratorSource::load(self.folder.gan())?;
        self.stored.gan_steps = Some(source.step());
        self.stored.save(self.folder)?;
        Ok(source)
    }

    /// Samples between the codes of an autoencoder, trained for as many steps as the results so far tell of: then it is
    /// the same to the bit.
    pub fn interpolation(&mut self) -> Result<Arc<dyn SyntheticSource>> {
        if let Some(source) = &self.interpolation {
            return Ok(Arc::clone(source));
        }
        let steps = match self.stored.autoencoder_steps {
            Some(steps) => steps,
            None => self.workshop.autoencoder_steps(self.train, self.time)?,
        };
        let source: Arc<dyn SyntheticSource> = Arc::new(self.workshop.interpolation(self.train, steps)?);
        self.stored.autoencoder_steps = Some(steps);
        self.stored.save(self.folder)?;
        self.interpolation = Some(Arc::clone(&source));
        Ok(source)
    }

    /// How much of each class is to be synthetic, and the source of each; by `gate`, unless it was measured before.
    pub fn auto(&mut self, gate: &Gate<'_>) -> Result<(Choice, Arc<dyn SyntheticSource>)> {
        let Chosen { mut choice, is_checked, options } = self.chosen(gate)?;
        let used: Vec<String> = choice.used_sources().into_iter().map(str::to_owned).collect();
        let mut sources: Vec<NamedSource<'_>> = Vec::new();
        for name in &used {
            let source = if name == GAN { self.gan()? as Arc<dyn SyntheticSource> } else { self.interpolation()? };
            sources.push((name, source));
        }
        if !is_checked {
            gate.refuse(&mut choice, self.train, &sources)?;
            self.stored.chosen = Some(Chosen { options, choice: choice.clone(), is_checked: true });
            self.stored.save(self.folder)?;
        }
        let source = choice.source_by_class(self.train.classes(), &sources)?;
        Ok((choice, Arc::new(source)))
    }

    /// The choice that the results so far are of, or one that is measured now and kept.
    fn chosen(&mut self, gate: &Gate<'_>) -> Result<Chosen> {
        let options = gate.args.to_string();
        // A choice that the time did not suffice for is measured again, as long as nothing was measured with it.
        let has_runs = |arm: &str| {
            self.stored.record.as_ref().is_some_and(|record| {
                record.runs.iter().any(|run| run.arm == arm) || record.trials.iter().any(|trial| trial.arm == arm)
            })
        };
        if let Some(chosen) = &self.stored.chosen
            && (!chosen.choice.measured.is_empty() || has_runs(&ArmName::Auto.name()))
        {
            if chosen.options == options {
                return Ok(chosen.clone());
            }
            return Err(Error::config(format!(
                "the results so far are of a choice by other options: {}, not {options}; give these to go on, or start anew with \
                 --force",
                chosen.options
            )));
        }
        let chosen = Chosen { options, choice: gate.choose(self.train)?, is_checked: false };
        self.stored.chosen = Some(chosen.clone());
        self.stored.save(self.folder)?;
        Ok(chosen)
    }
}
