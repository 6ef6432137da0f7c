#include <coauth/token_refused.hpp>

#include <algorithm>

namespace coauth
{
namespace
{

bool same_word(std::string_view a, std::string_view b) noexcept
{
    auto const lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::equal(
        a.begin(), a.end(), b.begin(), b.end(),
        [&](char x, char y) { return lower(x) == lower(y); });
}

// The words of a field of challenges (RFC 9110 section 11.6.1), one after another.
class challenge_words
{
public:
    explicit challenge_words(std::string_view text) noexcept : rest_(text) {}

    // The next name, of a scheme or of a parameter; empty: the end.
    std::string_view name() noexcept
    {
        rest_.remove_prefix(std::min(rest_.size(), rest_.find_first_not_of(" \t,")));
        return take(rest_.find_first_of(" \t,=\""));
    }
    // Whether a value follows the name.
    bool has_value() noexcept
    {
        auto const next = rest_.find_first_not_of(" \t");
        if (next == std::string_view::npos || rest_[next] != '=')
            return false;
        rest_.remove_prefix(next + 1);
        rest_.remove_prefix(std::min(rest_.size(), rest_.find_first_not_of(" \t")));
        return true;
    }
    std::string_view value() noexcept
    {
        if (!rest_.starts_with('"'))
            return take(rest_.find_first_of(" \t,"));
        std::size_t end = 1;
        while (end < rest_.size() && rest_[end] != '"')
            end += rest_[end] == '\\' ? 2 : 1;
        auto const quoted = take(std::min(rest_.size(), end)).substr(1);
        (void)take(1);
        return quoted;
    }
    // What is neither: a stray quote or sign.
    bool skip() noexcept { return !take(1).empty(); }

private:
    std::string_view take(std::size_t size) noexcept
    {
        auto const taken = rest_.substr(0, size);
        rest_.remove_prefix(taken.size());
        return taken;
    }

    std::string_view rest_;
};

} // namespace

bool token_refused(unsigned status, std::string_view www_authenticate) noexcept
{
    if (status != 401)
        return false;
    challenge_words words(www_authenticate);
    bool other_error = false;
    bool more = true;
    while (more)
    {
        auto const name = words.name();
        if (name.empty())
            more = words.skip();
        else if (words.has_value())
        {
            auto const value = words.value();
            if (!same_word(name, "error"))
                continue;
            if (value == "invalid_token")
                return true;
            other_error = true;
        }
    }
    return !other_error;
}

} // namespace coauth
