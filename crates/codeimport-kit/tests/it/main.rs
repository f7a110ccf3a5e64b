//! A tiny server with all layers, asked over loopback as a client would.

mod calls;
mod harness;
mod reflection;
mod stopping;
