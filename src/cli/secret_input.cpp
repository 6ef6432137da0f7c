#include "cli/secret_input.hpp"

#include "cli/flags.hpp"
#include "cli/sanitize_for_terminal.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <string_view>
#include <system_error>
#include <termios.h>
#include <unistd.h>
#include <utility>

namespace coauth::cli
{
namespace
{

// More cannot be a secret: the file is the wrong one.
constexpr std::size_t max_size = 64 * 1024;

class descriptor
{
public:
    explicit descriptor(int fd) noexcept : fd_(fd) {}
    ~descriptor()
    {
        if (fd_ > STDIN_FILENO)
            ::close(fd_);
    }
    descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    descriptor& operator=(descriptor&&) = delete;

    [[nodiscard]] int get() const noexcept { return fd_; }

private:
    int fd_;
};

// Keeps a terminal from showing what is typed, if it is one.
class silent_terminal
{
public:
    silent_terminal(int fd, char const* what) noexcept
        : fd_(fd)
        , changed_(isatty(fd) == 1 && tcgetattr(fd, &before_) == 0)
    {
        if (!changed_)
            return;
        // Ctrl-C must end the read, not the process: the terminal has to be set right again.
        struct sigaction wake = {};
        wake.sa_handler = [](int) {};
        sigaction(SIGINT, &wake, &before_interrupt_);
        say("The ");
        say(what);
        say(": ");
        termios silent = before_;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        tcsetattr(fd_, TCSAFLUSH, &silent);
    }
    ~silent_terminal()
    {
        if (!changed_)
            return;
        tcsetattr(fd_, TCSAFLUSH, &before_);
        sigaction(SIGINT, &before_interrupt_, nullptr);
        say("\n");
    }
    silent_terminal(silent_terminal const&) = delete;
    silent_terminal& operator=(silent_terminal const&) = delete;

    // One line is all that is typed.
    [[nodiscard]] bool interactive() const noexcept { return changed_; }

private:
    static void say(std::string_view text) noexcept
    {
        [[maybe_unused]] auto const written = ::write(STDERR_FILENO, text.data(), text.size());
    }

    int fd_;
    termios before_{};
    struct sigaction before_interrupt_ = {};
    bool changed_;
};

std::string reason(int number)
{
    return std::generic_category().message(number);
}

// The characters of the file, or 0 or the errno that says why not.
int read_all(int fd, char const* what, secret& into)
{
    silent_terminal const silent(fd, what);
    std::array<char, 4096> buffer;
    ssize_t size = 0;
    do
    {
        size = ::read(fd, buffer.data(), buffer.size());
        if (size < 0 && errno == EINTR && !silent.interactive())
            continue;
        if (size < 0)
            return errno;
        into.append(std::string_view(buffer.data(), static_cast<std::size_t>(size)));
        wipe(buffer.data(), buffer.size());
    } while (size != 0 && into.size() <= max_size && !silent.interactive());
    return 0;
}

secret without_newline(secret given)
{
    auto text = given.view();
    if (!text.ends_with('\n'))
        return given;
    text.remove_suffix(1);
    if (text.ends_with('\r'))
        text.remove_suffix(1);
    return secret(text);
}

result<secret> checked(secret given, secret_source const& which, std::string const& place)
{
    if (given.size() > max_size)
        return usage_error(
            place + " holds more than 64 KiB, too much for a " + which.what +
            ": is it the right one?");
    auto text = without_newline(std::move(given));
    if (text.empty())
        return usage_error(place + " holds no " + which.what + ": it is empty");
    return text;
}

result<secret>
read_from(descriptor const& source, secret_source const& which, std::string const& place)
{
    secret text;
    int const failure = source.get() < 0 ? errno : read_all(source.get(), which.what, text);
    if (failure != 0)
        return usage_error(
            std::string("the ") + which.what + " cannot be read from " + place + ": " +
            reason(failure));
    return checked(std::move(text), which, place);
}

result<secret> read_environment(secret_source const& which)
{
    char const* const value = std::getenv(which.variable);
    if (value == nullptr)
        return usage_error(
            std::string("the ") + which.what + " is missing: name a file that holds it with " +
            which.flag + " FILE, or pipe it to " + which.flag + " -, or set " + which.variable);
    return checked(secret(value), which, std::string("the environment variable ") + which.variable);
}

} // namespace

result<secret> read_secret(secret_source const& which, std::string const& file)
{
    if (file.empty())
        return read_environment(which);
    if (file == "-")
        return read_from(descriptor(STDIN_FILENO), which, "standard input");
    return read_from(
        descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC)), which,
        "the file '" + sanitize_for_terminal(file) + "'");
}

} // namespace coauth::cli
