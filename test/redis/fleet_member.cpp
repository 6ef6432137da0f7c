// A process of a fleet: gets a token for each of several sources, and prints their values.
//
//   fleet_member REDIS-URL REDIS-CA-FILE TOKEN-ENDPOINT CA-FILE SOURCES STORE-TIMEOUT LEASE
//
// The variables MEMBER_ID, MEMBER_SECRET and MEMBER_KEY have the client's credentials and the key
// of the records.

#include <coauth/coauth.hpp>
#include <coauth/redis_token_store.hpp>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace
{

// Says why the store was not used.
class bypass_log : public coauth::observer
{
public:
    void on_store_bypassed(coauth::store_bypassed const& e) override
    {
        if (e.error != nullptr)
            std::cerr << "without the store: " << *e.error << '\n';
    }
};

} // namespace

int main(int argc, char** argv)
{
    std::vector<std::string> const arguments(argv, argv + argc);
    if (arguments.size() != 8)
        return 2;
    boost::asio::io_context context;

    coauth::client_config config;
    config.server.token_endpoint = arguments[3];
    config.authentication = coauth::client_authentication::client_secret_basic(
        std::getenv("MEMBER_ID"), std::getenv("MEMBER_SECRET"));
    config.tls.ca_file = arguments[4];
    config.timeout = std::chrono::seconds(60);
    config.observer = std::make_shared<bypass_log>();
    coauth::client client(context, config);

    coauth::redis_options redis;
    redis.url = arguments[1];
    redis.tls.ca_file = arguments[2];
    auto const store = std::make_shared<coauth::redis_token_store>(context, redis);

    coauth::shared_tokens_options options;
    options.keys = [] { return coauth::secret(std::getenv("MEMBER_KEY")); };
    options.store_timeout = std::chrono::milliseconds(std::stoi(arguments[6]));
    options.lease = std::chrono::milliseconds(std::stoi(arguments[7]));
    coauth::shared_tokens const shared(client, store, options);

    std::vector<std::unique_ptr<coauth::token_source>> sources;
    bool failed = false;
    for (int i = 0; i < std::stoi(arguments[5]); ++i)
    {
        auto request = coauth::token_request().parameter("tenant", std::to_string(i));
        sources.push_back(std::make_unique<coauth::token_source>(shared, std::move(request)));
        sources.back()->async_get_access_token(
            [&](coauth::result<coauth::access_token> const& token)
            {
                failed = failed || !token;
                std::cout << (token ? std::string(token->value())
                                    : "error: " + token.error().message())
                          << '\n';
            });
    }
    context.run();
    return failed ? 1 : 0;
}
