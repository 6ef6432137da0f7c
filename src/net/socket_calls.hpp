#ifndef COAUTH_SRC_NET_SOCKET_CALLS_HPP
#define COAUTH_SRC_NET_SOCKET_CALLS_HPP

#include <fcntl.h>
#include <sys/socket.h>

// What some systems lack in their socket calls.
namespace coauth::net
{

// A lost connection must not raise SIGPIPE.
#ifdef MSG_NOSIGNAL
inline constexpr int send_flags = MSG_NOSIGNAL;
#else
inline constexpr int send_flags = 0;
#endif

// A program that the process starts does not inherit the socket. Below 0: see errno.
inline int open_socket(int family, int type, int protocol) noexcept
{
#ifdef SOCK_CLOEXEC
    return ::socket(family, type | SOCK_CLOEXEC, protocol);
#else
    int const descriptor = ::socket(family, type, protocol);
    if (descriptor >= 0)
        (void)::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
#ifdef SO_NOSIGPIPE
    int const on = 1;
    if (descriptor >= 0)
        (void)::setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
    return descriptor;
#endif
}

} // namespace coauth::net

#endif
