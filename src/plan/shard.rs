//! The part of an epoch that one rank reads.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The part of an epoch that one of several processes (ranks) reads. By default the whole: rank 0 of 1.
///
/// The batches of an epoch form one sequence over all ranks; rank r of R reads batches r, r + R, r + 2R, … All ranks
/// get equally many. Where the number of batches is no multiple of R, the last round is filled with the batches at the
/// head of the epoch, or left out with `drop_last`, as PyTorch's `DistributedSampler` does with single samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Shard {
    /// This process's number, from 0.
    pub rank: usize,
    /// The number of processes.
    pub world_size: usize,
}

/// Where launchers put rank and world size, in the order of precedence. `torchrun` comes before what it may itself run
/// under: there Open MPI or Slurm start one process a node, and their ranks are not those of the training.
const LAUNCHERS: [(&str, &str, &str); 3] = [
    ("torchrun", "RANK", "WORLD_SIZE"),
    ("Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("Slurm", "SLURM_PROCID", "SLURM_NTASKS"),
];

impl Default for Shard {
    fn default() -> Self {
        Self { rank: 0, world_size: 1 }
    }
}

impl Shard {
    /// Rank and world size as torchrun (`RANK`, `WORLD_SIZE`), Open MPI (`OMPI_COMM_WORLD_RANK`,
    /// `OMPI_COMM_WORLD_SIZE`) or Slurm (`SLURM_PROCID`, `SLURM_NTASKS`) set them in the environment, the first of
    /// these that is there; rank 0 of 1 if none is.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config), naming the variable, if one of a pair is missing, is not a
    /// number, or the rank is not below the world size.
    pub fn from_env() -> Result<Self> {
        Self::from_lookup(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }

    fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self> {
        for (launcher, rank_name, size_name) in LAUNCHERS {
            let (rank, size) = match (lookup(rank_name), lookup(size_name)) {
                (None, None) => continue,
                (Some(rank), Some(size)) => (rank, size),
                (None, Some(_)) => return Err(half_set(launcher, size_name, rank_name)),
                (Some(_), None) => return Err(half_set(launcher, rank_name, size_name)),
            };
            let shard = Self { rank: number(rank_name, &rank)?, world_size: number(size_name, &size)? };
            if shard.rank >= shard.world_size {
                return Err(Error::config(format!(
                    "{rank_name} is {rank} but {size_name} is {size}: expected a rank from 0 to world size − 1"
                )));
            }
            return Ok(shard);
        }
        Ok(Self::default())
    }

    pub(super) fn check(self) -> Result<()> {
        if self.rank < self.world_size {
            return Ok(());
        }
        Err(Error::config(format!(
            "expected a rank below the world size, got rank {} of {}: ranks count from 0",
            self.rank, self.world_size
        )))
    }
}

fn half_set(launcher: &str, there: &str, missing: &str) -> Error {
    Error::config(format!("{there} is set but {missing} is not; {launcher} sets both: set or unset both"))
}

fn number(name: &str, value: &str) -> Result<usize> {
    value.trim().parse().map_err(|_| Error::config(format!("expected a whole number in {name}, got {value:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)]) -> Result<Shard> {
        Shard::from_lookup(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn every_launcher_is_read() -> Result<()> {
        let second_of_four = Shard { rank: 1, world_size: 4 };
        assert_eq!(from(&[])?, Shard::default());
        assert_eq!(from(&[("RANK", "1"), ("WORLD_SIZE", "4")])?, second_of_four);
        assert_eq!(from(&[("OMPI_COMM_WORLD_RANK", "1"), ("OMPI_COMM_WORLD_SIZE", "4")])?, second_of_four);
        assert_eq!(from(&[("SLURM_PROCID", "1"), ("SLURM_NTASKS", "4")])?, second_of_four);
        Ok(())
    }

    #[test]
    fn torchrun_goes_before_the_launcher_it_runs_under() -> Result<()> {
        let variables = [("RANK", "9"), ("WORLD_SIZE", "16"), ("SLURM_PROCID", "1"), ("SLURM_NTASKS", "2")];
        assert_eq!(from(&variables)?, Shard { rank: 9, world_size: 16 });
        Ok(())
    }

    #[test]
    fn bad_environments_name_the_variable() {
        let message = |variables: &[(&str, &str)]| from(variables).unwrap_err().to_string();
        assert!(message(&[("RANK", "1")]).contains("WORLD_SIZE is not"));
        assert!(message(&[("SLURM_NTASKS", "4")]).contains("SLURM_PROCID is not"));
        assert!(message(&[("RANK", "one"), ("WORLD_SIZE", "4")]).contains("whole number in RANK, got \"one\""));
        assert!(message(&[("RANK", "0"), ("WORLD_SIZE", "-4")]).contains("in WORLD_SIZE"));
        assert!(message(&[("RANK", "4"), ("WORLD_SIZE", "4")]).contains("RANK is 4"));
        assert!(
            message(&[("OMPI_COMM_WORLD_RANK", "0"), ("OMPI_COMM_WORLD_SIZE", "0")])
                .contains("OMPI_COMM_WORLD_SIZE is 0")
        );
    }
}
