#include <coauth/secret_provider.hpp>

#include "values/watched_file.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace coauth
{
namespace
{

// The mark that some editors write before UTF-8 text.
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

std::string_view secret_in(std::string_view text)
{
    if (text.starts_with(byte_order_mark))
        text.remove_prefix(byte_order_mark.size());
    for (char const end : {'\n', '\r'})
        if (text.ends_with(end))
            text.remove_suffix(1);
    return text;
}

class secret_file_reader
{
public:
    explicit secret_file_reader(std::string path)
        : file_(
              std::move(path), {.subject = "the secret file",
                                .advice = "give the path of a file that holds only the secret",
                                .max_size = std::size_t(64) * 1024,
                                .may_be_empty = true})
    {
    }

    result<secret> read()
    {
        std::lock_guard const lock(mutex_);
        if (file_.is_current(version_))
            return secret_;
        auto const contents = file_.read();
        if (!contents)
            return contents.error();
        secret_ = secret(secret_in(contents->text.view()));
        version_ = contents->version;
        return secret_;
    }

private:
    detail::watched_file const file_;
    std::mutex mutex_;
    detail::watched_file::version version_;
    secret secret_;
};

} // namespace

secret_provider secret_from_file(detail::text_argument path)
{
    return [reader = std::make_shared<secret_file_reader>(std::move(path))]
    { return reader->read(); };
}

} // namespace coauth
