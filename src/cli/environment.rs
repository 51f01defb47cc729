//! The environment that candle reads its thread counts from.

/// Starts the program anew with the thread counts that suit it, where the user has set none.
///
/// candle runs large elementwise operations on a pool of its own, whose threads spin while they wait and so take the cores from
/// rayon's: training is up to three times slower with it. It also opens `/proc/cpuinfo` for every matrix product to count the cores.
/// Both end where its variables are set, and those can be set safely only for a process that is yet to start.
#[cfg(unix)]
pub fn settle() {
    use std::os::unix::process::CommandExt;
    use std::process::Command;
    use std::{env, thread};

    if env::var_os(CANDLE).is_some() {
        return;
    }
    let Ok(program) = env::current_exe() else { return };
    let mut arguments = env::args_os();
    let mut command = Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    command.args(arguments).env(CANDLE, "1");
    if env::var_os(RAYON).is_none() {
        let cores = thread::available_parallelism().map_or(1, Into::into);
        command.env(RAYON, cores.to_string());
    }
    // It replaces this process, and returns only where it cannot: then the work is done all the same, only slower.
    let _ = command.exec();
}

/// Elsewhere a process cannot replace itself.
#[cfg(not(unix))]
pub fn settle() {}

#[cfg(unix)]
const CANDLE: &str = "CANDLE_NUM_THREADS";
#[cfg(unix)]
const RAYON: &str = "RAYON_NUM_THREADS";
