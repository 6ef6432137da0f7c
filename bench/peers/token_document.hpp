#ifndef COAUTH_BENCH_TOKEN_DOCUMENT_HPP
#define COAUTH_BENCH_TOKEN_DOCUMENT_HPP

#include <boost/json/parse.hpp>
#include <boost/json/value_to.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace bench
{

struct token_document
{
    std::string access_token;
    std::string token_type;
    std::int64_t expires_in = 0;
    std::string scope;
};

inline token_document parse_token(std::string_view text)
{
    auto const value = boost::json::parse({text.data(), text.size()});
    auto const& object = value.as_object();
    return {
        boost::json::value_to<std::string>(object.at("access_token")),
        boost::json::value_to<std::string>(object.at("token_type")),
        object.at("expires_in").to_number<std::int64_t>(),
        boost::json::value_to<std::string>(object.at("scope"))};
}

} // namespace bench

#endif
