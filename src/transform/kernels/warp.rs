//! Sampling along a map of coordinates.
