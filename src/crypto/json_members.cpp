#include "crypto/json_members.hpp"

#include <algorithm>

namespace coauth::crypto
{
namespace
{

constexpr std::string_view spaces = " \t\r\n";

// Walks through JSON text. Brackets inside of values are only counted.
class scanner
{
public:
    explicit scanner(std::string_view text) : rest_(text) {}

    bool skip(char c)
    {
        skip_spaces();
        if (!rest_.starts_with(c))
            return false;
        rest_.remove_prefix(1);
        return true;
    }

    // With its quotes. Empty: there is none.
    std::string_view string()
    {
        skip_spaces();
        if (!rest_.starts_with('"'))
            return {};
        std::size_t i = 1;
        while (i < rest_.size() && rest_[i] != '"')
            i += rest_[i] == '\\' ? 2 : 1;
        return i < rest_.size() ? take(i + 1) : std::string_view();
    }

    // Empty: there is none.
    std::string_view value()
    {
        skip_spaces();
        if (rest_.starts_with('"'))
            return string();
        auto const begin = rest_;
        std::size_t depth = 0;
        while (!rest_.empty())
        {
            char const c = rest_.front();
            if (c == '"')
            {
                if (string().empty())
                    return {};
                continue;
            }
            bool const closes = c == '}' || c == ']';
            if (depth == 0 && (closes || c == ','))
                break;
            if (closes && --depth == 0)
            {
                rest_.remove_prefix(1);
                break;
            }
            depth += c == '{' || c == '[' ? 1U : 0U;
            rest_.remove_prefix(1);
        }
        return depth == 0 ? begin.substr(0, begin.size() - rest_.size()) : std::string_view();
    }

    bool at_end()
    {
        skip_spaces();
        return rest_.empty();
    }

private:
    void skip_spaces()
    {
        rest_.remove_prefix(std::min(rest_.find_first_not_of(spaces), rest_.size()));
    }

    std::string_view take(std::size_t size)
    {
        auto const taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }

    std::string_view rest_;
};

std::string_view without_quotes(std::string_view json)
{
    return json.size() > 1 && json.front() == '"' ? json.substr(1, json.size() - 2)
                                                  : std::string_view();
}

} // namespace

std::optional<json_members> json_members::parse(std::string_view text)
{
    scanner in(text);
    json_members object;
    if (!in.skip('{'))
        return std::nullopt;
    if (in.skip('}'))
        return in.at_end() ? std::optional(std::move(object)) : std::nullopt;
    do
    {
        auto const name = in.string();
        if (name.empty() || !in.skip(':'))
            return std::nullopt;
        auto const value = in.value();
        if (value.empty())
            return std::nullopt;
        object.members_.push_back({without_quotes(name), value});
    } while (in.skip(','));
    if (!in.skip('}') || !in.at_end())
        return std::nullopt;
    return object;
}

std::string_view json_members::text(std::string_view name) const
{
    return without_quotes(json(name));
}

std::vector<std::string_view> json_members::elements(std::string_view name) const
{
    std::vector<std::string_view> found;
    scanner in(json(name));
    if (!in.skip('['))
        return found;
    do
    {
        auto const value = in.value();
        if (value.empty())
            break;
        found.push_back(value);
    } while (in.skip(','));
    return found;
}

std::string_view json_members::json(std::string_view name) const
{
    auto const found = std::find_if(
        members_.begin(), members_.end(), [&](member const& one) { return one.name == name; });
    return found == members_.end() ? std::string_view() : found->json;
}

} // namespace coauth::crypto
