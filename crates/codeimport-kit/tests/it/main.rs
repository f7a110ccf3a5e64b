//! A tiny server with all layers, asked over loopback as a client would.

mod calls;
mod harness;
mod metrics;
mod reflection;
mod stopping;
