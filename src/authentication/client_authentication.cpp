#include <coauth/client_authentication.hpp>

#include "values/make_error.hpp"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string_view>
#include <sys/stat.h>
#include <utility>

namespace coauth
{
namespace
{

// No secret is so long: this is not the file that was meant.
constexpr std::size_t longest_secret = std::size_t(64) * 1024;

class secret_file_reader
{
public:
    explicit secret_file_reader(std::string path) : path_(std::move(path)) {}

    result<secret> read()
    {
        std::lock_guard const lock(mutex_);
        struct stat is{};
        if (stat(path_.c_str(), &is) != 0)
            return failed(errno);
        if (settled_ && unchanged(is))
            return text_;
        bool const old = was_old(is);
        auto text = read_whole(static_cast<std::size_t>(is.st_size));
        if (!text)
            return text;
        settled_ = old;
        as_read_ = is;
        text_ = std::move(*text);
        return text_;
    }

private:
    struct closing
    {
        void operator()(std::FILE* file) const noexcept { (void)std::fclose(file); }
    };

    [[nodiscard]] error failed(int number) const
    {
        if (path_.empty())
            return detail::config_error("the path of the secret file is empty");
        error_info info;
        info.context = "the secret file '" + path_ + "' cannot be read";
        info.cause = {number, boost::system::system_category()};
        return {errc::invalid_configuration, std::move(info)};
    }

    // `size` is what the system says; of a pipe it says 0.
    [[nodiscard]] error too_long(std::size_t size) const
    {
        auto const has = size > longest_secret ? std::to_string(size)
                                               : "more than " + std::to_string(longest_secret);
        return detail::config_error(
            "the secret file '" + path_ + "' has " + has + " bytes; a secret has at most " +
            std::to_string(longest_secret) + ": give the path of a file that holds nothing else");
    }

    // A file that was changed just now may be changed again within the same tick of its clock.
    static bool was_old(struct stat const& is)
    {
        auto const now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
        return now - is.st_mtim.tv_sec > 2;
    }

    [[nodiscard]] bool unchanged(struct stat const& is) const
    {
        return is.st_ino == as_read_.st_ino && is.st_dev == as_read_.st_dev &&
               is.st_size == as_read_.st_size && is.st_mtim.tv_sec == as_read_.st_mtim.tv_sec &&
               is.st_mtim.tv_nsec == as_read_.st_mtim.tv_nsec;
    }

    result<secret> read_whole(std::size_t expected)
    {
        std::unique_ptr<std::FILE, closing> const file(std::fopen(path_.c_str(), "rbe"));
        if (!file)
            return failed(errno);
        // Nothing of it stays in a buffer of the library.
        (void)std::setvbuf(file.get(), nullptr, _IONBF, 0);
        std::string text(longest_secret + 1, '\0');
        auto const size = std::fread(text.data(), 1, text.size(), file.get());
        int const failure = std::ferror(file.get()) != 0 ? errno : 0;
        auto end = size;
        if (end != 0 && text[end - 1] == '\n')
            --end;
        if (end != 0 && text[end - 1] == '\r')
            --end;
        secret made(std::string_view(text).substr(0, end));
        wipe(text);
        if (failure != 0)
            return failed(failure);
        if (size > longest_secret)
            return too_long(expected);
        return made;
    }

    std::string const path_;
    std::mutex mutex_;
    bool settled_ = false;
    struct stat as_read_{};
    secret text_;
};

} // namespace

std::string_view to_string(authentication_method method) noexcept
{
    switch (method)
    {
    case authentication_method::unset:
        return "unset";
    case authentication_method::none:
        return "none";
    case authentication_method::anonymous:
        return "anonymous";
    case authentication_method::client_secret_basic:
        return "client_secret_basic";
    case authentication_method::client_secret_basic_unencoded:
        return "client_secret_basic_unencoded";
    case authentication_method::client_secret_post:
        return "client_secret_post";
    case authentication_method::client_secret_jwt:
        return "client_secret_jwt";
    case authentication_method::private_key_jwt:
        return "private_key_jwt";
    case authentication_method::client_assertion:
        return "client_assertion";
    case authentication_method::tls_client_auth:
        return "tls_client_auth";
    case authentication_method::self_signed_tls_client_auth:
        return "self_signed_tls_client_auth";
    }
    return "unknown";
}

secret_provider secret_from_file(detail::text_argument path)
{
    return [file = std::make_shared<secret_file_reader>(std::move(path))] { return file->read(); };
}

} // namespace coauth
