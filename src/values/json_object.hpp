#ifndef COAUTH_SRC_VALUES_JSON_OBJECT_HPP
#define COAUTH_SRC_VALUES_JSON_OBJECT_HPP

#include <coauth/secret.hpp>

#include <cstdint>
#include <string_view>

namespace coauth::detail
{

// Writes a JSON object, member by member.
class json_object
{
public:
    json_object& text(std::string_view name, std::string_view value);
    // Omits the member if the value is empty.
    json_object& optional_text(std::string_view name, std::string_view value);
    json_object& number(std::string_view name, std::int64_t value);
    // The value is JSON.
    json_object& json(std::string_view name, std::string_view value);

    // The whole object.
    [[nodiscard]] secret serialize() const;

private:
    void append_name(std::string_view name);

    // Without the final brace.
    secret members_;
};

} // namespace coauth::detail

#endif
