#include "values/json_object.hpp"

#include "values/encoding.hpp"

#include <string>

namespace coauth::detail
{

json_object& json_object::text(std::string_view name, std::string_view value)
{
    append_name(name);
    append_json_string(members_, value);
    return *this;
}

json_object& json_object::optional_text(std::string_view name, std::string_view value)
{
    return value.empty() ? *this : text(name, value);
}

json_object& json_object::number(std::string_view name, std::int64_t value)
{
    return json(name, std::to_string(value));
}

json_object& json_object::json(std::string_view name, std::string_view value)
{
    append_name(name);
    members_.append(value);
    return *this;
}

secret json_object::serialize() const
{
    secret whole;
    whole.reserve(members_.size() + 2);
    whole.append(members_.empty() ? "{" : members_.view()).append('}');
    return whole;
}

void json_object::append_name(std::string_view name)
{
    members_.append(members_.empty() ? '{' : ',');
    append_json_string(members_, name);
    members_.append(':');
}

} // namespace coauth::detail
