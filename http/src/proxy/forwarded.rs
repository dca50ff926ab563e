//! `X-Forwarded-For`: the addresses that a request came through, the client's first. Everything left of what a
//! trusted proxy wrote may have been made up by the client.

use super::holds;
use crate::length::trim;
use crate::{Arena, Network};

/// What a chain of addresses says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Client<'a> {
    /// Its address.
    pub address: &'a [u8],
    /// What is left of the chain.
    pub chain: &'a [u8],
}

/// Finds the client. `None` when there is nothing in the chain.
pub(super) fn client<'a>(
    chain: &'a [u8],
    proxies: Option<&[Network]>,
    arena: &mut Arena<'a>,
) -> Option<Client<'a>> {
    let mut elements = chain
        .split(|byte| *byte == b',')
        .map(trim)
        .filter(|element| !element.is_empty());
    let Some(proxies) = proxies else {
        let address = elements.next()?;
        return Some(Client { address, chain });
    };
    let elements: Vec<_> = elements.collect();
    let is_other = |element: &&[u8]| !holds(proxies, element);
    // The client is who talked to the outermost of the trusted proxies at the end; were all of them trusted,
    // the first one is.
    let first = elements.iter().rposition(is_other).unwrap_or(0);
    let address = elements.get(first)?;
    Some(Client {
        address,
        chain: arena.copy(&elements[first..].join(&b", "[..])),
    })
}
