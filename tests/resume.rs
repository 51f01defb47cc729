//! Which states a loader goes on from; that it goes on rightly is shown in `fingerprints.rs` and `complaints/resume.rs`.

mod common;

use candle_augment::{Balance, DataLoader, DataLoaderBuilder, ErrorKind, RandomHorizontalFlip, Result, ResumeState};
use common::loader::counted;

fn builder() -> Result<DataLoaderBuilder> {
    Ok(DataLoader::builder(counted(&[30, 7])).batch_size(4).seed(5).transform(RandomHorizontalFlip::new(0.5)?))
}

#[test]
fn states_of_other_runs_are_refused() -> Result<()> {
    let state = builder()?.build()?.epoch(0).state();
    let message = |builder: DataLoaderBuilder| -> Result<String> {
        let error = builder.build()?.resume(&state).map(|_| ()).expect_err("the state is of another run");
        assert_eq!(error.kind(), ErrorKind::Config);
        Ok(error.to_string())
    };
    assert!(message(builder()?.seed(6))?.contains("seed 5 but the loader's is 6"));
    for other in [builder()?.batch_size(5), builder()?.balance(Balance::Uniform), builder()?.shuffle(false)] {
        assert!(message(other)?.contains("another data set or configuration"));
    }
    let other_data = DataLoader::builder(counted(&[29, 8])).batch_size(4).seed(5);
    assert!(message(other_data)?.contains("another data set or configuration"));
    let damaged = ResumeState { batch: state.batch + 1000, ..state };
    let error = builder()?.build()?.resume(&damaged).map(|_| ()).expect_err("the epoch is shorter");
    assert!(error.to_string().contains("start the epoch anew"), "{error}");
    // What does not change the batches is not asked.
    assert!(builder()?.workers(3).prefetch(9).build()?.resume(&state).is_ok());
    Ok(())
}
