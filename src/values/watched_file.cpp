#include "values/watched_file.hpp"

#include "values/make_error.hpp"
#include "values/wipe.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <memory>
#include <new>
#include <sys/stat.h>
#include <utility>

namespace coauth::detail
{
namespace
{

// File systems count seconds, or two of them, and clocks of servers differ.
constexpr std::int64_t seconds_until_settled = 2;

struct file_closer
{
    void operator()(std::FILE* file) const noexcept { (void)std::fclose(file); }
};

bool may_change(struct stat const& status)
{
    return S_ISREG(status.st_mode) || S_ISDIR(status.st_mode);
}

std::timespec modification_time(struct stat const& status)
{
#ifdef __APPLE__
    return status.st_mtimespec;
#else
    return status.st_mtim;
#endif
}

file_stamp stamp_of(struct stat const& status)
{
    if (!may_change(status))
        return {static_cast<std::int64_t>(status.st_dev), static_cast<std::int64_t>(status.st_ino)};
    auto const modified = modification_time(status);
    return {
        static_cast<std::int64_t>(status.st_dev), static_cast<std::int64_t>(status.st_ino),
        static_cast<std::int64_t>(status.st_size), static_cast<std::int64_t>(modified.tv_sec),
        static_cast<std::int64_t>(modified.tv_nsec)};
}

bool is_settled(struct stat const& status)
{
    using namespace std::chrono;
    auto const now = floor<seconds>(system_clock::now().time_since_epoch()).count();
    return !may_change(status) || now - modification_time(status).tv_sec > seconds_until_settled;
}

bool is_absent(int error_number)
{
    return error_number == ENOENT || error_number == ENOTDIR;
}

// The mark before UTF-16 text, in either order of bytes. Windows programs write it.
bool is_utf16(std::string_view text)
{
    return text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF");
}

// Reads at most `limit` bytes. Returns 0 or errno.
int read_up_to(std::FILE* file, std::size_t limit, secret& text)
{
    // No secret remains in a buffer of the C library.
    (void)std::setvbuf(file, nullptr, _IONBF, 0);
    std::array<char, 4096> part;
    int error_number = 0;
    while (text.size() < limit)
    {
        auto const wanted = std::min(part.size(), limit - text.size());
        auto const size = std::fread(part.data(), 1, wanted, file);
        error_number = std::ferror(file) != 0 ? errno : 0;
        text.append({part.data(), size});
        if (size < wanted)
            break;
    }
    wipe(part.data(), part.size());
    return error_number;
}

} // namespace

watched_file::watched_file(std::string path, purpose of)
    : path_(std::move(path))
    , purpose_(std::move(of))
{
}

bool watched_file::is_current(version const& known) const noexcept
{
    struct stat status{};
    if (!known.settled)
        return false;
    if (stat(path_.c_str(), &status) != 0)
        return known.stamp == file_stamp() && is_absent(errno);
    return stamp_of(status) == known.stamp;
}

watched_file::version watched_file::current_version() const noexcept
{
    struct stat status{};
    if (stat(path_.c_str(), &status) != 0)
        return {{}, is_absent(errno)};
    return {stamp_of(status), is_settled(status)};
}

result<watched_file::contents> watched_file::read() const
{
    contents read;
    // The stamp is taken first: a change during the read makes the contents outdated, not current.
    read.version = current_version();
    std::unique_ptr<std::FILE, file_closer> const file(std::fopen(path_.c_str(), "rbe"));
    if (!file)
        return unreadable(errno);
    if (int const failure = read_up_to(file.get(), purpose_.max_size + 1, read.text); failure != 0)
        return unreadable(failure);
    auto const size = read.text.size();
    if (size > purpose_.max_size || (size == 0 && !purpose_.may_be_empty))
        return wrong_size(size, read.version.stamp.size);
    if (!purpose_.may_be_utf16 && is_utf16(read.text.view()))
        return wrong_encoding();
    return read;
}

std::string watched_file::name() const
{
    return purpose_.subject + " '" + path_ + "'";
}

error watched_file::unreadable(int error_number) const
{
    if (error_number == ENOMEM)
        throw std::bad_alloc();
    if (path_.empty())
        return config_error("the path of " + purpose_.subject + " is empty");
    error_info info;
    info.context = with_advice(name() + " cannot be read");
    info.cause = {error_number, boost::system::system_category()};
    return {errc::invalid_configuration, std::move(info)};
}

error watched_file::wrong_encoding() const
{
    return config_error(name() + " is UTF-16 text; save it as UTF-8");
}

// The reported size is 0 for a pipe or a device.
error watched_file::wrong_size(std::size_t size, std::int64_t reported_size) const
{
    if (size == 0)
        return config_error(with_advice(name() + " is empty"));
    auto const limit = std::to_string(purpose_.max_size);
    bool const known = reported_size > static_cast<std::int64_t>(purpose_.max_size);
    auto const bytes = known ? std::to_string(reported_size) : "more than " + limit;
    return config_error(
        with_advice(name() + " has " + bytes + " bytes; it may have at most " + limit));
}

std::string watched_file::with_advice(std::string text) const
{
    return purpose_.advice.empty() ? std::move(text) : std::move(text) + "; " + purpose_.advice;
}

} // namespace coauth::detail
