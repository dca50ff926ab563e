//! What an executed process is told: its role by a variable, everything else by a file in memory.
#![forbid(unsafe_code)]

use std::io;
use std::os::fd::{BorrowedFd, RawFd};

/// Names and values, in order. What they mean is between the engine of the host and that of the process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan(Vec<(Vec<u8>, Vec<u8>)>);

impl Plan {
    /// Adds a value.
    pub fn add(&mut self, name: &str, value: &[u8]) {
        self.0.push((name.as_bytes().to_vec(), value.to_vec()));
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| {
            (
                std::str::from_utf8(name).unwrap_or_default(),
                value.as_slice(),
            )
        })
    }

    /// Reads the file in memory that holds a plan.
    ///
    /// # Errors
    /// When it can't be read, or holds something else.
    pub fn read(file: BorrowedFd<'_>) -> io::Result<Self> {
        Self::decode(&super::sys::fd::content(file)?)
    }

    /// As bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for part in self.0.iter().flat_map(|(name, value)| [name, value]) {
            bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }

    /// From bytes.
    ///
    /// # Errors
    /// When they were not made by [`Plan::encode`].
    pub fn decode(mut bytes: &[u8]) -> io::Result<Self> {
        let mut plan = Self::default();
        while !bytes.is_empty() {
            plan.0.push((part(&mut bytes)?, part(&mut bytes)?));
        }
        Ok(plan)
    }
}

fn part(bytes: &mut &[u8]) -> io::Result<Vec<u8>> {
    let wrong = || io::Error::new(io::ErrorKind::InvalidData, "the configuration is cut off");
    let (length, rest) = bytes.split_first_chunk::<8>().ok_or_else(wrong)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| wrong())?;
    let (part, rest) = rest.split_at_checked(length).ok_or_else(wrong)?;
    *bytes = rest;
    Ok(part.to_vec())
}

/// What a process is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The one that starts the others.
    Supervisor,
    /// One that serves requests.
    Worker {
        /// Its group, by its place in the configuration.
        group: u32,
        /// Its row in the group's table.
        row: u32,
        /// Which process in that row it is.
        generation: u32,
    },
}

/// The variable of the environment that holds the role and the numbers of the descriptors.
pub(super) const ROLE: &str = "WSGI_DAEMON_ROLE";

impl Role {
    /// The role that this process was given, and the descriptors that go with it. Applications do not see it.
    #[must_use]
    pub fn take() -> Option<(Self, Vec<RawFd>)> {
        let text = std::env::var(ROLE).ok()?;
        super::sys::identity::remove_variable(ROLE);
        Self::parse(&text)
    }

    fn parse(text: &str) -> Option<(Self, Vec<RawFd>)> {
        let (role, numbers) = text.split_once(':')?;
        let numbers = numbers
            .split(',')
            .map(|number| number.parse().ok())
            .collect::<Option<_>>()?;
        let mut words = role.split(' ');
        let role = match words.next()? {
            "supervisor" => Self::Supervisor,
            "worker" => {
                let mut number = || words.next()?.parse().ok();
                Self::Worker {
                    group: number()?,
                    row: number()?,
                    generation: number()?,
                }
            }
            _ => return None,
        };
        Some((role, numbers))
    }

    /// As the variable's value.
    pub(super) fn compose(self, descriptors: &[RawFd]) -> String {
        let numbers: Vec<String> = descriptors.iter().map(RawFd::to_string).collect();
        let numbers = numbers.join(",");
        match self {
            Self::Supervisor => format!("supervisor:{numbers}"),
            Self::Worker {
                group,
                row,
                generation,
            } => format!("worker {group} {row} {generation}:{numbers}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_survive_the_way() {
        let mut plan = Plan::default();
        plan.add("threads", b"5");
        plan.add("home", b"\xff\0");
        plan.add("empty", b"");
        let bytes = plan.encode();
        assert_eq!(Plan::decode(&bytes).unwrap(), plan);
        for cut in 1..bytes.len() {
            let _ = Plan::decode(&bytes[..cut]);
        }
        assert!(Plan::decode(&[0xff; 8]).is_err());
    }

    #[test]
    fn roles_survive_the_way() {
        for role in [
            Role::Supervisor,
            Role::Worker {
                group: 1,
                row: 2,
                generation: 3,
            },
        ] {
            assert_eq!(
                Role::parse(&role.compose(&[4, 5])),
                Some((role, vec![4, 5]))
            );
        }
        assert!(Role::parse("worker 1 2:3").is_none() && Role::parse("").is_none());
    }
}
