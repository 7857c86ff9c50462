//! Events of the platform. In: a function's name, or the members of its default export. Out: the
//! events that it is called for (spec: functions.md section 2, peer-behaviour.md).

use std::collections::BTreeSet;

use super::FunctionName;

/// Functions of these names are called for the event of the name.
const TRIGGERS: [&str; 13] = [
    "deploy-building",
    "deploy-succeeded",
    "deploy-failed",
    "deploy-deleted",
    "deploy-locked",
    "deploy-unlocked",
    "submission-created",
    "split-test-activated",
    "split-test-deactivated",
    "split-test-modified",
    "identity-validate",
    "identity-signup",
    "identity-login",
];

/// Members of a default export, and the events that call them.
const HANDLERS: [(&str, &str); 13] = [
    ("deployBuilding", "deploy_building"),
    ("deploySucceeded", "deploy_succeeded"),
    ("deployFailed", "deploy_failed"),
    ("deployDeleted", "deploy_deleted"),
    ("deployLocked", "deploy_locked"),
    ("deployUnlocked", "deploy_unlocked"),
    ("formSubmitted", "submission_created"),
    ("userLogin", "identity_login"),
    ("userSignup", "identity_signup"),
    ("userValidate", "identity_validate"),
    ("userModified", "identity_usermodified"),
    ("userDeleted", "identity_userdeleted"),
    ("fetch", FETCH),
];

/// Every event, by the name that a function of it has.
pub fn all() -> BTreeSet<String> {
    let subscribed = HANDLERS.iter().filter(|(_, event)| *event != FETCH).map(|(_, event)| event.replace('_', "-"));
    subscribed.chain(TRIGGERS.map(str::to_owned)).collect()
}

/// What is no event, but a request.
pub const FETCH: &str = "fetch";

/// The event that a function is called for because of its name.
pub fn trigger(name: &FunctionName) -> Option<&'static str> {
    let name = name.as_str().strip_suffix("-background").unwrap_or(name.as_str());
    TRIGGERS.into_iter().find(|trigger| *trigger == name)
}

/// The events that the members of a default export subscribe to, in their order.
pub fn subscriptions(members: &[String]) -> Vec<String> {
    let event =
        |member: &String| HANDLERS.iter().find(|(name, _)| name == member).map(|(_, event)| (*event).to_owned());
    members.iter().filter_map(event).collect()
}
