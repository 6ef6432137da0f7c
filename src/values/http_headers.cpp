#include <coauth/http_headers.hpp>

#include "values/encoding.hpp"

#include <algorithm>
#include <utility>

namespace coauth
{

std::optional<std::string_view> http_headers::find(std::string_view name) const noexcept
{
    for (auto const& field : fields_)
        if (detail::equal_ignoring_case(field.name, name))
            return field.value;
    return std::nullopt;
}

std::size_t http_headers::count(std::string_view name) const noexcept
{
    return static_cast<std::size_t>(std::count_if(
        fields_.begin(), fields_.end(), [name](http_header const& field)
        { return detail::equal_ignoring_case(field.name, name); }));
}

void http_headers::add(std::string name, std::string value)
{
    fields_.push_back({std::move(name), std::move(value)});
}

} // namespace coauth
