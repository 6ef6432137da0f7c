// Header fields that the user adds to requests.

#include "protocol/header_fields.hpp"

#include "protocol/config_validation.hpp"
#include "support.hpp"

#include <functional>
#include <vector>

using namespace test;

BOOST_AUTO_TEST_SUITE(header_fields)

using coauth::client_config;
using coauth::protocol::check_config;

BOOST_AUTO_TEST_CASE(invalid_header_fields_are_rejected_without_their_value)
{
    struct row
    {
        char const* name;
        std::function<void(client_config&)> change;
        char const* message;
    };
    for (auto const& row :
         std::vector<row>{
             {"header field without a name", [](client_config& c)
              { c.headers = {{"", coauth::secret("s3cr3t-word")}}; }, "a header field has no name"},
             {"header field with colon and value",
              [](client_config& c) { c.headers = {{"x-key: s3cr3t-word", coauth::secret("x")}}; },
              "give the name without colon and value"},
             {"header field with a line break", [](client_config& c)
              { c.headers = {{"x-key", coauth::secret("s3cr3t-word\r\nHost: other")}}; },
              "the value of the header field 'x-key' contains a control character"},
             {"header field that ends with a space",
              [](client_config& c) { c.headers = {{"x-key", coauth::secret("s3cr3t-word ")}}; },
              "begins or ends with a space"},
             {"header field without a value", [](client_config& c)
              { c.headers = {{"x-key", coauth::secret()}}; }, "'x-key' has no value"},
             {"header field twice",
              [](client_config& c)
              {
                  c.headers = {
                      {"x-key", coauth::secret("s3cr3t-word")}, {"X-Key", coauth::secret("b")}};
              },
              "'X-Key' is set twice"},
             {"header fields of 17 KiB", [](client_config& c)
              { c.headers = {{"x-key", coauth::secret(std::string(17'000, 'x'))}}; },
              "have 17005 bytes together; they may have at most 16384"},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            auto changed = config();
            row.change(changed);
            auto const checked = check_config(changed);
            BOOST_TEST_REQUIRE(outcome(checked) == "invalid_configuration");
            check_contains(checked.error().message(), row.message);
            check_lacks(checked.error().message(), "s3cr3t");
        }
}

BOOST_AUTO_TEST_CASE(header_fields_that_the_library_sets_are_rejected)
{
    for (auto const* name :
         {"Accept", "accept-encoding", "AUTHORIZATION", "Connection", "Content-Encoding",
          "Content-Length", "content-type", "DPoP", "Expect", "Host", "Keep-Alive",
          "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding",
          "Upgrade", "User-Agent"})
        BOOST_TEST_CONTEXT(name)
        {
            auto configuration = config();
            configuration.headers = {{name, coauth::secret("s3cr3t-word")}};
            auto const checked = check_config(configuration);
            BOOST_TEST_REQUIRE(outcome(checked) == "invalid_configuration");
            check_contains(checked.error().message(), "'"s + name + "' is reserved");
            check_lacks(checked.error().message(), "s3cr3t");
        }
    auto configuration = config();
    configuration.headers = {
        {"x-api-key", coauth::secret("a")}, {"Ocp-Apim-Subscription-Key", coauth::secret("b")}};
    BOOST_TEST(outcome(check_config(configuration)) == "success");
}

BOOST_AUTO_TEST_SUITE_END()
