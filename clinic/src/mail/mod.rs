//! Letters: opened in the formats' order and kept, sealed and handed out. No sockets; each call is part of one
//! transaction of the caller's.

pub(crate) mod amendments;
pub(crate) mod open;
pub(crate) mod readings;
pub(crate) mod seal;
