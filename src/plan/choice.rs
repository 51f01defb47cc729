//! How much of each class is synthetic, as measurements chose it: a file that users may edit.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::columns::write_columns;
use crate::error::{Error, ErrorKind, Result};
use crate::file::{read_text, write_file};

/// The largest file that is read, in bytes; that of ten thousand classes is far from it.
const MAX_BYTES: u64 = 1 << 26;

/// How much of each class is synthetic, and of which source, with the figures that it rests on: what
/// [`gate::choose`](crate::gate::choose) found. A small TOML file, which may be edited.
///
/// ```
/// use candle_augment::{Choice, Mixture};
///
/// let choice = Choice::from_toml(r#"
/// [classes.cat]
/// source = "gan"
/// share = 0.3
///
/// [classes.dog]
/// share = 0.0
/// "#)?;
/// assert_eq!(choice.share("cat"), 0.3);
/// let mixture = Mixture::Auto(choice);
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The files of the sources by their names, relative to the folder of the choice's own file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, PathBuf>,
    /// What is mixed into each class, by its name; nothing into a class without an entry.
    #[serde(default)]
    pub classes: BTreeMap<String, ClassChoice>,
    /// What was measured, one entry for each source and share; nothing depends on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measured: Vec<MeasuredShare>,
    /// What the choice as a whole was worth, measured once more; none where that was not done, or where classes were refused after
    /// it. Nothing depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole: Option<WholeGain>,
}

/// How much of one class is synthetic.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassChoice {
    /// The name of the source; none where nothing is synthetic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The synthetic share, in [0, 1].
    pub share: f64,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// What a source was worth with one share in all classes that may get any, beside classic transforms alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredShare {
    /// The name of the source.
    pub source: String,
    /// The share.
    pub share: f64,
    /// The difference in F1, the mean over the classes, in shares from −1 to 1.
    pub gain: f64,
    /// What the gain is at least, with 90 %.
    pub bound: f64,
    /// Of each class that may get samples.
    pub classes: BTreeMap<String, Gain>,
}

/// How much better classes are recognised with the chosen shares than without, by other classifiers than those that they were chosen by.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WholeGain {
    /// The difference in F1, the mean over the classes, in shares from −1 to 1.
    pub gain: f64,
    /// What the gain is at least, with 90 %.
    pub bound: f64,
}

/// How much better a class is recognised with synthetic samples than without.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gain {
    /// The difference in F1 as it was measured.
    pub measured: f64,
    /// The same, drawn towards the mean of the classes as far as the measurement is uncertain.
    pub expected: f64,
    /// What it is at least, with 90 %.
    pub bound: f64,
}

impl Choice {
    /// Reads TOML.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for what is no such TOML, and for shares out of range or without a source.
    pub fn from_toml(text: &str) -> Result<Self> {
        let choice: Self = toml::from_str(text).map_err(|error| {
            let advice = "a class is [classes.name] with share and source, its name in quotes if it has other than letters and digits";
            Error::config(format!("{error}{advice}"))
        })?;
        choice.check()?;
        Ok(choice)
    }

    /// Writes TOML.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for a path that is no UTF-8.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|error| Error::config(error.to_string()))
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// As [`Choice::from_toml`], with the file; [`ErrorKind::Io`] if it cannot be read or is over 64 MiB.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = read_text(path, "choice of shares", MAX_BYTES)?;
        Self::from_toml(&text).map_err(|error| error.with_path(path))
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    ///
    /// As [`Choice::to_toml`]; [`ErrorKind::Io`] if it cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        write_file(path, self.to_toml()?.as_bytes())
    }

    /// The synthetic share of a class.
    #[must_use]
    pub fn share(&self, class: &str) -> f64 {
        self.classes.get(class).map_or(0.0, |class| class.share)
    }

    /// The names of the sources that some class has a share of.
    #[must_use]
    pub fn used_sources(&self) -> Vec<&str> {
        let used = self.classes.values().filter(|class| class.share > 0.0);
        let mut names: Vec<&str> = used.filter_map(|class| class.source.as_deref()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Takes its samples from a class.
    pub(crate) fn refuse(&mut self, class: &str, reason: String) {
        self.classes.insert(class.to_owned(), ClassChoice { source: None, share: 0.0, reason });
        // It was that of another choice.
        self.whole = None;
    }

    /// Takes their samples from all classes that have any.
    pub(crate) fn refuse_all(&mut self, reason: &str) {
        for class in self.classes.values_mut().filter(|class| class.share > 0.0) {
            let reason = format!("{reason} (before: {})", class.reason);
            *class = ClassChoice { source: None, share: 0.0, reason };
        }
    }

    /// The same without what nothing depends on: the figures, the reasons, and where sources are.
    pub(super) fn essence(&self) -> Self {
        let bare = |class: &ClassChoice| ClassChoice { reason: String::new(), ..class.clone() };
        let classes = self.classes.iter().map(|(name, class)| (name.clone(), bare(class))).collect();
        Self { classes, ..Self::default() }
    }

    pub(super) fn check(&self) -> Result<()> {
        self.classes.iter().try_for_each(|(name, ClassChoice { source, share, .. })| {
            if !(0.0..=1.0).contains(share) {
                return Err(Error::config(format!(
                    "class {name:?}: expected a synthetic share in [0, 1], got {share}: give 0.3 for three of ten"
                )));
            }
            if *share > 0.0 && source.is_none() {
                return Err(Error::config(format!(
                    "class {name:?} has a share of {share}, but no source: name one of `sources`, or give a share of 0"
                )));
            }
            Ok(())
        })
    }

    /// The file of a source, for a choice that was read from `path`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the choice has no such file.
    pub fn source_file(&self, name: &str, path: &Path) -> Result<PathBuf> {
        let file = self.sources.get(name).ok_or_else(|| {
            let message = format!("source {name:?} has no file: add it to `sources`, or give its classes a share of 0");
            Error::new(ErrorKind::Config, message).with_path(path)
        })?;
        Ok(path.parent().unwrap_or(Path::new("")).join(file))
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let points = |value: f64| format!("{:+.1}", 100.0 * value);
        if !self.measured.is_empty() {
            let mut rows = vec![["source", "share", "gain in F1", "at least (90 %)"].map(str::to_owned).to_vec()];
            rows.extend(self.measured.iter().map(|measured| {
                vec![measured.source.clone(), measured.share.to_string(), points(measured.gain), points(measured.bound)]
            }));
            write_columns(f, &rows, &[])?;
            writeln!(f)?;
        }
        if let Some(WholeGain { gain, bound }) = self.whole {
            writeln!(
                f,
                "The choice as a whole, measured once more: {}, at least {} (90 %)\n",
                points(gain),
                points(bound)
            )?;
        }
        let mut rows = vec![["class", "share", "source", "why"].map(str::to_owned).to_vec()];
        rows.extend(self.classes.iter().map(|(name, class)| {
            let source = class.source.clone().unwrap_or_else(|| "none".to_owned());
            vec![name.clone(), class.share.to_string(), source, class.reason.clone()]
        }));
        write_columns(f, &rows, &[2, 3])
    }
}
