#include <coauth/http_headers.hpp>

#include <algorithm>
#include <utility>

namespace coauth
{
namespace
{

char lower(char c) noexcept
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_name(std::string_view a, std::string_view b) noexcept
{
    return std::equal(
        a.begin(), a.end(), b.begin(), b.end(),
        [](char x, char y) { return lower(x) == lower(y); });
}

} // namespace

std::optional<std::string_view> http_headers::find(std::string_view name) const noexcept
{
    for (auto const& field : fields_)
        if (same_name(field.name, name))
            return field.value;
    return std::nullopt;
}

std::size_t http_headers::count(std::string_view name) const noexcept
{
    return static_cast<std::size_t>(std::count_if(
        fields_.begin(), fields_.end(),
        [name](http_header const& field) { return same_name(field.name, name); }));
}

void http_headers::add(std::string name, std::string value)
{
    fields_.push_back({std::move(name), std::move(value)});
}

} // namespace coauth
