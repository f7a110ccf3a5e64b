//! A real worker against a queue and a registry that do what a test tells them.

mod fakes;
mod runs;
mod world;
