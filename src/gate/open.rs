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
/// use candle_augment::{Balance, DataLoader, Dataset, ImageFolder, Resize, gate};
///
/// let set = ImageFolder::open("photos")?;
/// let (mixture, source) = gate::open("candle-augment-gate/choice.toml", set.classes())?;
/// // As it was measured: classes equally often, all images of one size.
/// let loader = DataLoader::builder(set)
///     .transform(Resize::exact(32, 32)?)
///     .balance(Balance::Uniform)
///     .mixture(mixture)
///     .synthetic(source)
///     .build()?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
///
/// # Errors
///
/// As [`Choice::read`]; [`ErrorKind::Config`](crate::ErrorKind::Config) for a class that is none of `classes`, and a source
/// without a file or of other classes; and those of reading it.
pub fn open(path: impl AsRef<Path>, classes: &[String]) -> Result<(Mixture, SourceByClass)> {
    let path = path.as_ref();
    let mixture = Mixture::Auto(Choice::read(path)?);
    mixture.check(classes).map_err(|error| error.with_path(path))?;
    let Mixture::Auto(choice) = &mixture else { unreachable!("it was made above") };
    let mut sources: Vec<(&str, Arc<dyn SyntheticSource>)> = Vec::new();
    for name in choice.used_sources() {
        sources.push((name, open_source(&choice.source_file(name, path)?)?));
    }
    let by_class = choice.source_by_class(classes, &sources).map_err(|error| error.with_path(path))?;
    Ok((mixture, by_class))
}

fn open_source(path: &Path) -> Result<Arc<dyn SyntheticSource>> {
    Ok(match InterpolationSource::is_in(path) {
        true => Arc::new(InterpolationSource::load(path)?),
        false => Arc::new(GeneratorSource::load(path)?),
    })
}
