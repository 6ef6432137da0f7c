#ifndef COAUTH_TEST_UNIT_RESPONSE_READING_HPP
#define COAUTH_TEST_UNIT_RESPONSE_READING_HPP

#include "protocol/token_response.hpp"
#include "support.hpp"

#include <vector>

namespace test
{

// 2026-11-23 00:00:00 UTC. The response is received two seconds later.
inline constexpr std::chrono::system_clock::time_point sent{std::chrono::seconds(1'795'392'000)};
inline constexpr std::chrono::steady_clock::time_point sent_steady{std::chrono::seconds(1'000)};

// Reads a token response with this configuration.
struct reading
{
    coauth::client_config configuration = config();
    coauth::token_request request = {};
    coauth::http_headers headers = {};

    [[nodiscard]] coauth::result<coauth::access_token>
    operator()(unsigned status, std::string_view body) const
    {
        coauth::http_response response;
        response.status = status;
        response.headers = headers;
        response.body = coauth::secret(body);
        return coauth::protocol::read_token_response(
            configuration, request, std::move(response), {sent, sent_steady, sent + 2s});
    }
};

// A token response with further members.
inline std::string document(std::string const& more, std::string const& token = "\"tok.en-1\"")
{
    return R"({"access_token":)" + token + R"(,"token_type":"Bearer")" + more + "}";
}

struct response_case
{
    char const* name;
    unsigned status;
    std::string body;
    char const* expected;
};

inline void check_outcomes(reading const& read, std::vector<response_case> const& rows)
{
    for (auto const& row : rows)
        BOOST_TEST_CONTEXT(row.name)
        {
            auto const got = read(row.status, row.body);
            BOOST_TEST(outcome(got) == row.expected);
            if (got)
                continue;
            BOOST_TEST(got.error().http_status() == row.status);
            BOOST_TEST(got.error().attempts() == 1U);
            check_lacks(got.error().message(), "tok.en-1");
            check_lacks(got.error().message(), client_secret);
            BOOST_TEST(got.error().message().size() < 4096U);
        }
}

} // namespace test

#endif
