#include <coauth/http_headers.hpp>

#include "support.hpp"

#include <boost/test/unit_test.hpp>

using namespace test;

BOOST_AUTO_TEST_SUITE(http_headers)

namespace
{

coauth::http_headers sample()
{
    coauth::http_headers headers;
    headers.add("Date", "now");
    headers.add("X-Rate-Limit-Reset", "1");
    headers.add("DATE", "later");
    headers.add("Empty", "");
    return headers;
}

} // namespace

BOOST_AUTO_TEST_CASE(field_names_are_compared_without_case)
{
    auto const fields = sample();
    for (std::string const name : {"Date", "date", "DATE", "dAtE"})
        BOOST_TEST_CONTEXT(name)
        {
            BOOST_TEST(fields.find(name).value_or("none") == "now");
            BOOST_TEST(fields.count(name) == 2U);
        }
    BOOST_TEST(fields.find("x-rate-limit-reset").value_or("none") == "1");
}

// 'D' and '$' differ in the same bit as upper and lower case do.
BOOST_AUTO_TEST_CASE(other_field_names_are_not_found)
{
    auto const fields = sample();
    for (std::string const name : {"", "Dat", "Dates", "Date ", "$ate", "X-Rate-Limit", "D\xC1te"})
        BOOST_TEST_CONTEXT(name)
        {
            BOOST_TEST(!fields.find(name).has_value());
            BOOST_TEST(fields.count(name) == 0U);
        }
}

BOOST_AUTO_TEST_CASE(a_field_with_an_empty_value_is_found)
{
    BOOST_TEST(sample().find("empty").has_value());
}

BOOST_AUTO_TEST_CASE(fields_keep_their_order)
{
    std::string all;
    for (auto const& field : sample())
        all += field.name + "=" + field.value + ";";
    BOOST_TEST(all == "Date=now;X-Rate-Limit-Reset=1;DATE=later;Empty=;");
    BOOST_TEST(sample().size() == 4U);
    BOOST_TEST(!sample().empty());
}

BOOST_AUTO_TEST_CASE(empty_headers_contain_no_field)
{
    coauth::http_headers const none;
    BOOST_TEST(none.empty());
    BOOST_TEST(none.size() == 0U);
    BOOST_TEST((none.begin() == none.end()));
    BOOST_TEST(!none.find("Date").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
