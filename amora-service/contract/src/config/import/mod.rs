//! Configuration of the original AmoraOS, read into this one.

mod broker;

pub(super) use broker::broker_url;
