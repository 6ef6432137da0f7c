#ifndef COAUTH_DETAIL_RESPONSE_FIELDS_HPP
#define COAUTH_DETAIL_RESPONSE_FIELDS_HPP

#include <string>
#include <string_view>

namespace coauth::detail
{

// A response of Boost.Beast, or of a type that has its `result_int()` and either its `equal_range`,
// which finds all fields of a name, or its `operator[]`.
template <class Response>
concept has_all_fields = requires(Response const& response) {
    static_cast<unsigned>(response.result_int());
    response.equal_range("WWW-Authenticate").first->value();
};
template <class Response>
concept beast_like_response = has_all_fields<Response> || requires(Response const& response) {
    static_cast<unsigned>(response.result_int());
    std::string(response["WWW-Authenticate"]);
};

// The values of all fields of this name. They are one list (RFC 9110 section 5.3).
template <beast_like_response Response>
std::string field_values(Response const& response, char const* name)
{
    if constexpr (has_all_fields<Response>)
    {
        std::string values;
        auto const [begin, end] = response.equal_range(name);
        for (auto field = begin; field != end; ++field)
            values.append(values.empty() ? "" : ", ").append(field->value());
        return values;
    }
    else
        return std::string(response[name]);
}

} // namespace coauth::detail

#endif
