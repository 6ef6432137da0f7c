// A process of a fleet: gets a token for each of several sources. Prints a line for each: the
// token's value, the seconds that it still lives, and the wall clock.
//
//   fleet_member REDIS-URL REDIS-CA-FILE TOKEN-ENDPOINT CA-FILE SOURCES STORE-TIMEOUT LEASE CLOCK
//
// CLOCK is the difference of its wall clock from the machine's, in seconds. The variables
// MEMBER_ID, MEMBER_SECRET and MEMBER_KEY have the client's credentials and the key of the records.

#include <coauth/coauth.hpp>
#include <coauth/redis_token_store.hpp>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <memory>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

namespace
{

std::time_t clock_difference = 0;

} // namespace

// They stand in front of those of the C library, for all libraries of this process.
extern "C" int clock_gettime(clockid_t clock, timespec* now) noexcept
{
    auto const result = static_cast<int>(::syscall(SYS_clock_gettime, clock, now));
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += clock_difference;
    return result;
}

extern "C" std::time_t time(std::time_t* copy) noexcept
{
    timespec now{};
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (copy != nullptr)
        *copy = now.tv_sec;
    return now.tv_sec;
}

namespace
{

using std::chrono::seconds;
using std::chrono::system_clock;

void print(coauth::result<coauth::access_token> const& token)
{
    if (!token)
    {
        std::cout << "error: " << token.error().message() << '\n';
        return;
    }
    auto const now = system_clock::now();
    std::cout << token->value() << ' '
              << std::chrono::floor<seconds>(*token->expires_at() - now).count() << ' '
              << system_clock::to_time_t(now) << '\n';
}

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
    if (arguments.size() != 9)
        return 2;
    clock_difference = std::stol(arguments[8]);
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
                print(token);
            });
    }
    context.run();
    return failed ? 1 : 0;
}
