#include "cli/read_secret.hpp"

#include "cli/flags.hpp"
#include "cli/sanitize_for_terminal.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <string.h> // NOLINT(modernize-deprecated-headers): explicit_bzero
#include <string_view>
#include <system_error>
#include <termios.h>
#include <unistd.h>
#include <utility>

namespace coauth::cli
{
namespace
{

// A larger file is not a secret: it is the wrong file.
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

// Turns off the echo if the descriptor is a terminal.
class silent_terminal
{
public:
    silent_terminal(int fd, char const* secret_name) noexcept
        : fd_(fd)
        , changed_(isatty(fd) == 1 && tcgetattr(fd, &before_) == 0)
    {
        if (!changed_)
            return;
        // Ctrl-C must end the read and not the process, so that the echo is turned on again.
        struct sigaction wake = {};
        wake.sa_handler = [](int) {};
        sigaction(SIGINT, &wake, &before_interrupt_);
        print("The ");
        print(secret_name);
        print(": ");
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
        print("\n");
    }
    silent_terminal(silent_terminal const&) = delete;
    silent_terminal& operator=(silent_terminal const&) = delete;

    // At a terminal one line is read.
    [[nodiscard]] bool is_terminal() const noexcept { return changed_; }

private:
    static void print(std::string_view text) noexcept
    {
        [[maybe_unused]] auto const written = ::write(STDERR_FILENO, text.data(), text.size());
    }

    int fd_;
    termios before_{};
    struct sigaction before_interrupt_ = {};
    bool changed_;
};

std::string error_message(int number)
{
    return std::generic_category().message(number);
}

// Appends the bytes of the file. Returns 0 or an errno.
int read_all(int fd, char const* secret_name, secret& text)
{
    silent_terminal const silent(fd, secret_name);
    std::array<char, 4096> buffer;
    ssize_t size = 0;
    do
    {
        size = ::read(fd, buffer.data(), buffer.size());
        if (size < 0 && errno == EINTR && !silent.is_terminal())
            continue;
        if (size < 0)
            return errno;
        text.append(std::string_view(buffer.data(), static_cast<std::size_t>(size)));
        ::explicit_bzero(buffer.data(), buffer.size());
    } while (size != 0 && text.size() <= max_size && !silent.is_terminal());
    return 0;
}

// The mark that some editors write before UTF-8 text.
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

bool is_utf16(std::string_view text)
{
    return text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF");
}

// Without what editors add.
secret secret_alone(secret const& input)
{
    auto text = input.view();
    if (text.starts_with(byte_order_mark))
        text.remove_prefix(byte_order_mark.size());
    if (!text.ends_with('\n'))
        return secret(text);
    text.remove_suffix(1);
    if (text.ends_with('\r'))
        text.remove_suffix(1);
    return secret(text);
}

result<secret> check(secret const& input, secret_source const& source, std::string const& location)
{
    if (input.size() > max_size)
        return usage_error(
            location + " contains more than 64 KiB, too much for a " + source.name +
            ": is it the right one?");
    if (is_utf16(input.view()))
        return usage_error(location + " contains UTF-16 text: save it as UTF-8");
    auto text = secret_alone(input);
    if (text.empty())
        return usage_error(location + " contains no " + source.name + ": it is empty");
    return text;
}

result<secret>
read_from(descriptor const& file, secret_source const& source, std::string const& location)
{
    secret text;
    int const failure = file.get() < 0 ? errno : read_all(file.get(), source.name, text);
    if (failure != 0)
        return usage_error(
            std::string("the ") + source.name + " cannot be read from " + location + ": " +
            error_message(failure));
    return check(text, source, location);
}

result<secret> read_environment(secret_source const& source)
{
    char const* const value = std::getenv(source.variable);
    if (value == nullptr)
        return usage_error(
            std::string("the ") + source.name + " is missing: name a file that contains it with " +
            source.file_flag + " FILE, or pipe it to " + source.file_flag + " -, or set " +
            source.variable);
    return check(secret(value), source, std::string("the environment variable ") + source.variable);
}

} // namespace

result<secret> read_secret(secret_source const& source, std::string const& file)
{
    if (file.empty())
        return read_environment(source);
    if (file == "-")
        return read_from(descriptor(STDIN_FILENO), source, "standard input");
    return read_from(
        descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC)), source,
        "the file '" + sanitize_for_terminal(file) + "' of " + source.file_flag);
}

} // namespace coauth::cli
