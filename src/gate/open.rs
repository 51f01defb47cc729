//! Opens a choice and the sources that it names.

use std::path::Path;
use std::sync::Arc;

use crate::error::Result;
use crate::gan::{GeneratorSource, InterpolationSource};
use crate::plan::{Choice, Mixture};
use crate::source_by_class::SourceByClass;
use crate::synthetic::SyntheticSource;

/// Reads the file of a choice, as the command `gate` wrote it or someone edited it, and opens the sources that it names:
/// files of a [`GeneratorSource`] or of an [`InterpolationSource`]. For images of `classes`, in the order of their labels.
///
/// ```no_run
/// use candle_augment::{DataLoader, Dataset, ImageFolder, gate};
///
/// let set = ImageFolder::open("photos")?;
/// let (mixture, source) = gate::open("gate/choice.toml", set.classes())?;
/// let loader = DataLoader::builder(set).mixture(mixture).synthetic(source).build()?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
///
/// # Errors
///
/// As [`Choice::read`]; [`ErrorKind::Config`](crate::ErrorKind::Config) for a source without a file, or of other classes;
/// and those of reading it.
pub fn open(path: impl AsRef<Path>, classes: &[String]) -> Result<(Mixture, SourceByClass)> {
    let path = path.as_ref();
    let choice = Choice::read(path)?;
    let mut sources: Vec<(&str, Arc<dyn SyntheticSource>)> = Vec::new();
    for name in choice.used_sources() {
        sources.push((name, open_source(&choice.source_file(name, path)?)?));
    }
    let by_class = choice.source_by_class(classes, &sources).map_err(|error| error.with_path(path))?;
    Ok((Mixture::Auto(choice), by_class))
}

fn open_source(path: &Path) -> Result<Arc<dyn SyntheticSource>> {
    Ok(match InterpolationSource::is_in(path) {
        true => Arc::new(InterpolationSource::load(path)?),
        false => Arc::new(GeneratorSource::load(path)?),
    })
}
