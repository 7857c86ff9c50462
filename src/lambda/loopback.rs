//! The machine's own network, where there is no other: in a new namespace it is down.

use std::io;

/// Lets programs of a new namespace talk to one another.
///
/// # Errors
/// The system refuses.
#[cfg(target_os = "linux")]
pub(super) fn raise() -> io::Result<()> {
    use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, recv, send, socket};
    /// "Change an interface", and "a request, to be confirmed" (netlink(7), rtnetlink(7)).
    const RTM_NEWLINK: u16 = 16;
    const NLM_F_REQUEST_ACK: u16 = 1 | 4;
    /// No family; the first interface, which always is this one; `IFF_UP`, to be set.
    const INTERFACE: [u32; 4] = [0, 1, 1, 1];
    let socket = socket(AddressFamily::NETLINK, SocketType::RAW, None)?;
    let mut message = 32_u32.to_ne_bytes().to_vec();
    message.extend([RTM_NEWLINK, NLM_F_REQUEST_ACK].iter().flat_map(|half| half.to_ne_bytes()));
    let (number, sender) = (1, 0);
    message.extend([number, sender].iter().chain(&INTERFACE).flat_map(|word| word.to_ne_bytes()));
    send(&socket, &message, SendFlags::empty())?;
    let mut answer = [0; 256];
    recv(&socket, &mut answer[..], RecvFlags::empty())?;
    let code = answer[16..20].try_into().map_or(0, i32::from_ne_bytes);
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(-code)) }
}

/// Elsewhere it is always there.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
pub(super) fn raise() -> io::Result<()> {
    Ok(())
}
