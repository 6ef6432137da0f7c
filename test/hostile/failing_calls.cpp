#include "failing_calls.hpp"

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace test
{

namespace
{

// Calls until the failing one; 0: no more calls fail.
thread_local std::size_t calls_left = 0;
thread_local char const* failed_call = nullptr;

std::atomic<bool> lookups_fail = false;
std::atomic<bool> lookups_cannot_wake = false;
// Whether this is a lookup's thread that cannot wake the event loop.
thread_local bool thread_cannot_wake = false;

bool fails_now(char const* name, int with)
{
    if (calls_left == 0 || --calls_left != 0)
        return false;
    failed_call = name;
    errno = with;
    return true;
}

} // namespace

failing_call::failing_call(std::size_t n)
{
    calls_left = n;
    failed_call = nullptr;
}

failing_call::~failing_call()
{
    calls_left = 0;
}

char const* failing_call::which() const
{
    return failed_call;
}

failing_lookups::failing_lookups(bool cannot_wake)
{
    (cannot_wake ? lookups_cannot_wake : lookups_fail) = true;
}

failing_lookups::~failing_lookups()
{
    lookups_fail = lookups_cannot_wake = false;
}

} // namespace test

namespace
{

// The function of the C library.
template <class Function>
Function* next(char const* name)
{
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

} // namespace

// These replace the functions of the C library.
extern "C"
{
    using test::fails_now;

    // The function of AddressSanitizer, which must see every thread. Clang links it into the
    // program, where RTLD_NEXT does not find it. Null without the sanitizer.
    [[gnu::weak]] int __interceptor_pthread_create(
        pthread_t*, pthread_attr_t const*, void* (*)(void*), void*) noexcept;

    int pthread_create(
        pthread_t* created, pthread_attr_t const* attributes, void* (*start)(void*),
        void* argument) noexcept
    {
        static auto* const create = __interceptor_pthread_create != nullptr
                                        ? __interceptor_pthread_create
                                        : next<decltype(pthread_create)>("pthread_create");
        if (fails_now("pthread_create", EAGAIN))
            return EAGAIN;
        return create(created, attributes, start, argument);
    }

    int getaddrinfo(char const* node, char const* service, addrinfo const* hints, addrinfo** found)
    {
        static auto* const look_up = next<decltype(getaddrinfo)>("getaddrinfo");
        test::thread_cannot_wake = test::lookups_cannot_wake;
        errno = EMFILE;
        return test::lookups_fail ? EAI_SYSTEM : look_up(node, service, hints, found);
    }

    FILE* fopen(char const* path, char const* mode)
    {
        static auto* const open_file = next<decltype(fopen)>("fopen");
        return fails_now("fopen", EMFILE) ? nullptr : open_file(path, mode);
    }

    FILE* fopen64(char const* path, char const* mode)
    {
        static auto* const open_file = next<decltype(fopen64)>("fopen64");
        return fails_now("fopen64", EMFILE) ? nullptr : open_file(path, mode);
    }

    ssize_t read(int fd, void* into, std::size_t size)
    {
        if (fails_now("read", EIO))
            return -1;
        return ::syscall(SYS_read, fd, into, size);
    }

    ssize_t write(int fd, void const* from, std::size_t size)
    {
        if (fails_now("write", EIO))
            return -1;
        return ::syscall(SYS_write, fd, from, size);
    }

    int epoll_create1(int flags) noexcept
    {
        if (fails_now("epoll_create1", EMFILE))
            return -1;
        return static_cast<int>(::syscall(SYS_epoll_create1, flags));
    }

    int socket(int domain, int type, int protocol) noexcept
    {
        if (fails_now("socket", EMFILE))
            return -1;
        return static_cast<int>(::syscall(SYS_socket, domain, type, protocol));
    }

    int connect(int fd, sockaddr const* address, socklen_t size)
    {
        if (fails_now("connect", ENETUNREACH))
            return -1;
        return static_cast<int>(::syscall(SYS_connect, fd, address, size));
    }

    int getsockopt(int fd, int level, int name, void* value, socklen_t* size) noexcept
    {
        if (fails_now("getsockopt", ENOBUFS))
            return -1;
        return static_cast<int>(::syscall(SYS_getsockopt, fd, level, name, value, size));
    }

    int setsockopt(int fd, int level, int name, void const* value, socklen_t size) noexcept
    {
        if (fails_now("setsockopt", ENOPROTOOPT))
            return -1;
        return static_cast<int>(::syscall(SYS_setsockopt, fd, level, name, value, size));
    }

    int ioctl(int fd, unsigned long request, ...) noexcept
    {
        va_list arguments;
        va_start(arguments, request);
        void* const argument = va_arg(arguments, void*);
        va_end(arguments);
        if (fails_now("ioctl", ENOMEM))
            return -1;
        return static_cast<int>(::syscall(SYS_ioctl, fd, request, argument));
    }

    ssize_t recv(int fd, void* into, std::size_t size, int flags)
    {
        if (fails_now("recv", ENOMEM))
            return -1;
        return ::syscall(SYS_recvfrom, fd, into, size, flags, nullptr, nullptr);
    }

    ssize_t recvmsg(int fd, msghdr* into, int flags)
    {
        if (fails_now("recvmsg", ENOMEM))
            return -1;
        return ::syscall(SYS_recvmsg, fd, into, flags);
    }

    ssize_t send(int fd, void const* from, std::size_t size, int flags)
    {
        if (fails_now("send", ENOBUFS))
            return -1;
        return ::syscall(SYS_sendto, fd, from, size, flags, nullptr, 0);
    }

    ssize_t sendmsg(int fd, msghdr const* from, int flags)
    {
        if (fails_now("sendmsg", ENOBUFS))
            return -1;
        return ::syscall(SYS_sendmsg, fd, from, flags);
    }

    int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept
    {
        if (fails_now("epoll_ctl", ENOSPC))
            return -1;
        if (test::thread_cannot_wake)
        {
            errno = ENOSPC;
            return -1;
        }
        return static_cast<int>(::syscall(SYS_epoll_ctl, epoll, operation, fd, event));
    }

    int epoll_wait(int epoll, epoll_event* events, int most, int timeout)
    {
        if (fails_now("epoll_wait", EINTR))
            return -1;
        return static_cast<int>(
            ::syscall(SYS_epoll_pwait, epoll, events, most, timeout, nullptr, 0));
    }

    // Closes even if it reports a failure, as Linux does.
    int close(int fd)
    {
        auto const closed = static_cast<int>(::syscall(SYS_close, fd));
        return fails_now("close", EIO) ? -1 : closed;
    }
}
