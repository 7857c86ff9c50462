//! `fnzip serve`: what was built answers, as it would where it is deployed.

mod browser;
mod faults;
mod invoke;
mod live;
mod peer;
mod requests;
mod site;
mod streams;

pub(crate) use self::site::Serving;
