//! What a comparison keeps on the disk: its runs, to go on from, and its results.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candle_augment::compare::{Comparison, Record};
use candle_augment::gan::TrainedOn;
use candle_augment::gate::Choice;
use candle_augment::report::write_file;
use candle_augment::{Dataset, Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::super::output;

/// The folder of a comparison.
pub struct Folder(PathBuf);

impl Folder {
    /// Makes the folder, and checks that all its files can be written.
    pub fn new(path: &Path) -> Result<Self> {
        output::check_folder(path, output::OUT)?;
        let folder = Self(path.to_owned());
        let files = [folder.runs(), folder.gan(), folder.json(), folder.csv(), folder.picture()];
        files.iter().try_for_each(|file| output::check_not_folder(file))?;
        Ok(folder)
    }

    /// The results of each run so far.
    pub fn runs(&self) -> PathBuf {
        self.0.join("runs.json")
    }

    /// The GAN that was trained for it.
    pub fn gan(&self) -> PathBuf {
        self.0.join("gan.safetensors")
    }

    fn json(&self) -> PathBuf {
        self.0.join("result.json")
    }

    fn csv(&self) -> PathBuf {
        self.0.join("result.csv")
    }

    fn picture(&self) -> PathBuf {
        self.0.join("result.png")
    }

    /// Writes the result as JSON, CSV and a picture.
    pub fn save(&self, report: &impl Serialize, comparison: &Comparison, title: &str) -> Result<()> {
        write_file(self.json(), output::to_json(report)?.as_bytes())?;
        write_file(self.csv(), comparison.to_csv().as_bytes())?;
        comparison.picture(title).save_png(self.picture())
    }
}

/// What the runs of a comparison depend on beside its images, by the names of the options.
pub type Settings = BTreeMap<String, String>;

/// A choice of shares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    /// The options that it was measured with.
    pub options: String,
    pub choice: Choice,
    /// Whether the samples of its sources were looked through for copies.
    pub is_checked: bool,
}

/// It changes with what decides a result: those of another one must not be mixed with ours.
const VERSION: u32 = 1;

/// What the file of runs of any release has.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    version: u32,
}

/// The file of runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stored {
    /// [`VERSION`].
    version: u32,
    pub settings: Settings,
    /// The training images, once they were read.
    #[serde(default)]
    pub images: Option<TrainedOn>,
    /// Steps of the GAN that was trained for the comparison, once it was.
    pub gan_steps: Option<u64>,
    /// Steps of the autoencoder, once they were chosen.
    pub autoencoder_steps: Option<u64>,
    /// What the arm auto is of, once it was chosen.
    #[serde(default)]
    pub chosen: Option<Chosen>,
    /// None before the first run.
    pub record: Option<Record>,
}

impl Stored {
    /// Before anything was done.
    pub fn new(settings: Settings) -> Self {
        Self {
            version: VERSION,
            settings,
            images: None,
            gan_steps: None,
            autoencoder_steps: None,
            chosen: None,
            record: None,
        }
    }

    /// The runs so far in `folder`, which must have been made with `settings`, or none.
    pub fn open(folder: &Folder, settings: Settings, resume: bool, force: bool) -> Result<Self> {
        let path = folder.runs();
        if !resume {
            if path.exists() && !force {
                return Err(Error::config(
                    "there are results already: add --resume to go on with them, --force to replace them, or name another folder with --out",
                )
                .with_path(&path));
            }
            return Ok(Self::new(settings));
        }
        let stored = Self::read(&path)?;
        stored.check(&settings).map_err(|error| error.with_path(&path))?;
        Ok(stored)
    }

    fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| Error::io("read the results so far", path, error))?;
        let unreadable = |source: serde_json::Error| {
            let message = format!("is no file of runs of `candle-augment compare` ({source}): start anew with --force");
            Error::new(ErrorKind::Config, message).with_path(path).with_source(source)
        };
        // First the version alone: another one may have other fields.
        let Head { version } = serde_json::from_str(&text).map_err(unreadable)?;
        if version != VERSION {
            let message = "the results so far are of another release: go on with that one, or start anew with --force";
            return Err(Error::config(message).with_path(path));
        }
        serde_json::from_str(&text).map_err(unreadable)
    }

    fn check(&self, settings: &Settings) -> Result<()> {
        let names = self.settings.keys().chain(settings.keys());
        let value = |settings: &Settings, name| settings.get(name).map_or("not given", String::as_str).to_owned();
        for name in names {
            let (was, is) = (value(&self.settings, name), value(settings, name));
            if was != is {
                return Err(Error::config(format!(
                    "the results so far are of other options: {name} was {was} and is {is} now; give what it was to go on, or start anew \
                     with --force"
                )));
            }
        }
        Ok(())
    }

    /// Says that the results are of the training images `train`, or refuses if they are of others; and keeps what there is.
    pub fn begin(&mut self, train: &dyn Dataset, folder: &Folder) -> Result<()> {
        let images = TrainedOn::new(train, "", None)?;
        if self.images.as_ref().is_some_and(|other| *other != images) {
            let message = "the results so far are of other training images: give the DATA that they are of, or start anew with --force";
            return Err(Error::config(message).with_path(folder.runs()));
        }
        self.images = Some(images);
        self.save(folder)
    }

    /// Writes the file, whole or not at all.
    pub fn save(&self, folder: &Folder) -> Result<()> {
        write_file(folder.runs(), output::to_json(self)?.as_bytes())
    }
}
