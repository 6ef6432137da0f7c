#ifndef COAUTH_SRC_CRYPTO_JSON_MEMBERS_HPP
#define COAUTH_SRC_CRYPTO_JSON_MEMBERS_HPP

#include <coauth/secret.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coauth::crypto
{

// The members of a JSON object, as far as a JSON Web Key needs them. Escapes are not decoded: none
// of the members that matter has one. Refers to the text, which must outlive it.
class json_members
{
public:
    // None: the text is not a JSON object.
    static std::optional<json_members> parse(std::string_view text);

    // The text of a string member. Empty: there is none.
    [[nodiscard]] std::string_view text(std::string_view name) const;
    // The elements of an array member, as JSON. Empty: there is none.
    [[nodiscard]] std::vector<std::string_view> elements(std::string_view name) const;

private:
    struct member
    {
        std::string_view name;
        std::string_view json;
    };

    [[nodiscard]] std::string_view json(std::string_view name) const;

    std::vector<member> members_;
};

} // namespace coauth::crypto

#endif
