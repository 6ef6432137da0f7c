// Responses of the token endpoint. Option `s`: the request has a scope.

#include <coauth/token_request.hpp>

#include "fuzz.hpp"

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    fuzz::input const from(data, size);
    auto const config = fuzz::config(from);
    coauth::token_request request;
    if (from.has('s'))
        request.scope("sms groups");
    auto const response = fuzz::response(from);
    auto const got =
        coauth::protocol::read_token_response(config, request, response, fuzz::times());
    if (got)
        fuzz::check_token(*got, response);
    else
        fuzz::check_error(got.error(), response);
    if (got && from.has('s') && !fuzz::holds(response.body.view(), "scope"))
        fuzz::require(
            got->scope() == "sms groups", "without a scope, the requested one is granted");
    return 0;
}
