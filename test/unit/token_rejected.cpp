#include <coauth/token_rejected.hpp>

#include "support.hpp"

using namespace test;

BOOST_AUTO_TEST_SUITE(token_rejected)

BOOST_AUTO_TEST_CASE(rejections_of_a_token_are_recognized_in_responses_of_an_api)
{
    struct row
    {
        unsigned status;
        char const* challenge;
        bool refused;
    };
    for (auto const& row : std::vector<row>{
             {401, R"(Bearer error="invalid_token")", true},
             {401, R"(Bearer realm="x", error="invalid_token", error_description="expired")", true},
             {401, R"(Bearer realm="a \", error=\"b", error="invalid_token")", true},
             {401, R"(bearer ERROR=invalid_token)", true},
             {401, R"(Basic realm="x", DPoP algs="ES256", error = "invalid_token")", true},
             {401, "Bearer", true},
             {401, R"(Bearer realm="x")", true},
             {401, "", true},
             {401, R"(Bearer error="invalid_request")", false},
             {401, R"(Bearer error="insufficient_scope", scope="a")", false},
             {401, R"(Bearer error_description="error=invalid_token", error="use_dpop_nonce")",
              false},
             {401, R"("""error="invalid_request")", false},
             {401, R"(Bearer error="invalid_token)", true},
             {401, R"(=,="\)", true},
             {403, R"(Bearer error="insufficient_scope")", false},
             {403, R"(Bearer error="invalid_token")", false},
             {400, R"(Bearer error="invalid_token")", false},
             {200, "", false},
         })
        BOOST_TEST_CONTEXT(row.status << ' ' << row.challenge)
    BOOST_TEST(coauth::is_invalid_token_challenge(row.status, row.challenge) == row.refused);
}

BOOST_AUTO_TEST_SUITE_END()
