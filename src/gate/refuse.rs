//! Which classes get no samples whatever they gain: those of which a source makes copies, or hardly anything of use.

use crate::error::{Error, Result};
use crate::plan::Choice;
use crate::quality::{ClassAcceptance, Filter, made, request};
use crate::synthetic::SyntheticSource;

/// The share of a class's samples that may be copies of training images; of real images about 5 % are as near.
pub const COPY_BUDGET: f64 = 0.15;

/// Samples of a class that are looked through.
const SAMPLES: u64 = 256;

/// Takes the samples of `source`, which `choice` calls `name`, from the classes of which `filter` accepts under 5 %, or
/// finds more copies than `copy_budget`, a share of the samples made, from 0 to 1. Such classes get no synthetic samples.
/// 256 samples are made of each class that has any of the source, by keys of `seed`; `done` is told of each such class.
///
/// # Errors
///
/// [`ErrorKind::Config`](crate::ErrorKind::Config) if the budget is out of range, or the filter and the source are of other
/// classes or images; and the errors of the source and of `done`.
pub fn refuse(
    choice: &mut Choice,
    (name, source): (&str, &dyn SyntheticSource),
    filter: &Filter,
    copy_budget: f64,
    seed: u64,
    mut done: impl FnMut(&str) -> Result<()>,
) -> Result<()> {
    if !(0.0..=1.0).contains(&copy_budget) {
        return Err(Error::config(format!("a copy budget of {copy_budget}: it is a share from 0 to 1, such as 0.15")));
    }
    for (label, class) in (0u32..).zip(filter.classes()) {
        let is_own = |choice: &Choice| choice.classes.get(class).is_some_and(|own| own.source.as_deref() == Some(name));
        if !is_own(choice) {
            continue;
        }
        let requests: Vec<_> = (0..SAMPLES).map(|serial| request(seed, 0, label, serial)).collect();
        let mut acceptance = ClassAcceptance::new(class);
        let verdicts = filter.judge(label, &made(source, &requests)?)?;
        verdicts.into_iter().for_each(|verdict| acceptance.count(verdict));
        if let Some(reason) = reason(name, &acceptance, copy_budget) {
            choice.refuse(class, reason);
        }
        done(class)?;
    }
    Ok(())
}

/// Why a class gets no samples, if it does not.
fn reason(source: &str, acceptance: &ClassAcceptance, copy_budget: f64) -> Option<String> {
    let copied = acceptance.copies as f64 / acceptance.made.max(1) as f64;
    if copied > copy_budget {
        let (copied, budget) = (100.0 * copied, 100.0 * copy_budget);
        return Some(format!(
            "{copied:.0} % of the samples of {source} are copies of training images, over {budget:.0} %"
        ));
    }
    let rate = 100.0 * acceptance.rate();
    (!acceptance.is_usable()).then(|| format!("{rate:.1} % of the samples of {source} pass the filter, under 5 %"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_and_what_no_filter_accepts_are_reasons() {
        let of = |accepted, copies| {
            let acceptance = ClassAcceptance { made: 100, accepted, copies, ..ClassAcceptance::default() };
            reason("gan", &acceptance, 0.15)
        };
        assert_eq!(of(60, 16).unwrap(), "16 % of the samples of gan are copies of training images, over 15 %");
        assert_eq!(of(4, 0).unwrap(), "4.0 % of the samples of gan pass the filter, under 5 %");
        assert_eq!((of(60, 15), of(5, 0)), (None, None));
    }
}
