//! The program `candle-augment`.

fn main() {}
