// Answers of the token endpoint. Option `s`: a scope is asked for.

#include <coauth/token_request.hpp>

#include "fuzz.hpp"

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    fuzz::input const from(data, size);
    auto const config = fuzz::config(from);
    coauth::token_request request;
    if (from.has('s'))
        request.scope("sms groups");
    auto const answer = fuzz::answer(from);
    auto const got = coauth::protocol::read_token_answer(config, request, answer, fuzz::times());
    if (got)
        fuzz::check_token(*got, answer);
    else
        fuzz::check_error(got.error(), answer);
    if (got && from.has('s') && !fuzz::holds(answer.body.view(), "scope"))
        fuzz::require(got->scope() == "sms groups", "without a scope it is the one asked for");
    return 0;
}
