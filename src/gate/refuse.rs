//! Which classes get no samples whatever they gain: those of which a source makes copies, or hardly anything of use.

use crate::plan::Choice;
use crate::quality::{Acceptance, ClassAcceptance};

/// The share of a class's samples that may be copies of training images; of real images about 5 % are as near.
pub const COPY_BUDGET: f64 = 0.15;

/// Takes the samples of `source` from the classes of which a filter accepts under 5 %, or finds more copies than
/// `copy_budget`, a share of the samples made.
pub fn refuse(choice: &mut Choice, source: &str, acceptance: &Acceptance, copy_budget: f64) {
    for class in &acceptance.classes {
        let made = class.made.max(1) as f64;
        let ClassAcceptance { name, copies, .. } = class;
        let copied = *copies as f64 / made;
        if copied > copy_budget {
            let (copied, budget) = (100.0 * copied, 100.0 * copy_budget);
            let reason =
                format!("{copied:.0} % of the samples of {source} are copies of training images, over {budget:.0} %");
            choice.refuse(name, source, reason);
        } else if !class.is_usable() {
            let rate = 100.0 * class.rate();
            choice.refuse(name, source, format!("{rate:.1} % of the samples of {source} pass the filter, under 5 %"));
        }
    }
}
