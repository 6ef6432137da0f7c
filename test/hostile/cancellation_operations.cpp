#include "cancellation_run.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <thread>

namespace test
{

namespace asio = boost::asio;
using coauth::secret;
using coauth::token_request;

namespace
{

void get_token(world& in)
{
    in.client->async_get_access_token(token_request(), in.handler());
}

void ignore(token_result const&) {}

void get_one_before(world& in)
{
    in.client->async_get_access_token(token_request(), ignore);
    in.settle();
}

void make_source(world& in)
{
    in.source.emplace(*in.client);
}

void get_from_source(world& in)
{
    in.source->async_get_access_token(in.handler());
}

void fill_source(world& in)
{
    make_source(in);
    in.source->async_get_access_token(ignore);
    in.settle();
}

// Its token is due, and will be for long.
void let_token_age(world& in)
{
    coauth::token_source_options options;
    options.refresh_at = 1e-6;
    options.refresh_jitter = 0;
    in.source.emplace(*in.client, token_request(), options);
    in.source->async_get_access_token(ignore);
    in.settle();
    std::this_thread::sleep_for(5ms);
}

void make_strict_source(world& in)
{
    coauth::token_source_options options;
    options.cancel_when_unwaited = true;
    in.source.emplace(*in.client, token_request(), options);
}

coauth::discovery_options discovery(world const& in)
{
    coauth::discovery_options options;
    options.tls = in.config.tls;
    options.lifetime = 0s;
    return options;
}

// No metadata at the first place where they may be.
void have_no_first_metadata(authorization_server& server)
{
    response missing;
    missing.status = 404;
    server.push_response(missing);
}

// Awaits what is made, as users' coroutines do that listen to every cancellation.
template <class Make>
asio::awaitable<void> await_it(world& in, Make make)
{
    co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    auto awaited = make(in);
    auto const got = co_await std::move(awaited);
    in.end(got);
}

template <class Make>
std::function<void(world&)> awaiting(Make make)
{
    return [make](world& in)
    {
        asio::co_spawn(
            *in.context, await_it(in, make),
            asio::bind_cancellation_slot(
                in.signal.slot(),
                [&in](std::exception_ptr const& thrown)
                {
                    if (thrown)
                        in.end(thrown);
                }));
    };
}

// An API that responds after two turns of the event loop, or where it is held only when it is
// cancelled; and what it then says.
asio::awaitable<int> ask_api(world& in, int status)
{
    auto const tuple = asio::as_tuple(asio::use_awaitable);
    asio::steady_timer timer(*in.context);
    co_await asio::post(*in.context, asio::use_awaitable);
    timer.expires_after(in.held ? 60s : 0s);
    auto const waited = co_await timer.async_wait(tuple);
    (void)waited;
    co_return status;
}

auto call_api(world& in, int status)
{
    auto const call = [&in, status](coauth::access_token const&) { return ask_api(in, status); };
    return coauth::async_call_with_token(*in.source, call, [](int got) { return got == 401; });
}

// The token that it has is refused, at once.
auto call_refused(world& in)
{
    auto const asked = std::make_shared<int>(0);
    auto const call = [asked](coauth::access_token const&) -> asio::awaitable<int>
    { co_return ++*asked; };
    return coauth::async_call_with_token(*in.source, call, [](int got) { return got == 1; });
}

// Another token than the one before.
void give_another(authorization_server& server)
{
    server.push_response(
        response::json(200, R"({"access_token":"tok.en-2","token_type":"Bearer"})"));
}

} // namespace

std::vector<operation> operations_of_a_client()
{
    return {
        {.name = "a token, over a new connection", .of = owner::client, .start = get_token},
        {.name = "a token, over a kept connection",
         .of = owner::client,
         .start = get_token,
         .prepare = get_one_before},
        // The one before it has the only connection.
        {.name = "a token, in line",
         .of = owner::client,
         .start =
             [](world& in)
         {
             in.client->async_get_access_token(token_request(), ignore);
             get_token(in);
         }},
        {.name = "introspection",
         .of = owner::client,
         .start = [](world& in) { in.client->async_introspect(secret("t"), {}, in.handler()); }},
        {.name = "revocation",
         .of = owner::client,
         .start = [](world& in) { in.client->async_revoke(secret("t"), {}, in.handler()); }},
        {.name = "a token, repeated",
         .of = owner::client,
         .start = get_token,
         .configure =
             [](world& in)
         {
             in.config.retry.initial_back_off = 10ms;
             in.config.retry.max_attempts = 2;
         },
         .script = [](authorization_server& server)
         { server.push_response(response::json(503, "")); }},
        {.name = "a token, long before it is repeated",
         .of = owner::client,
         .start = get_token,
         .script =
             [](authorization_server& server)
         {
             auto busy = response::json(503, "");
             busy.headers.add("Retry-After", "5");
             server.push_response(busy);
         },
         .only_held = true},
    };
}

std::vector<operation> operations_of_a_source()
{
    return {
        {.name = "a source's token",
         .of = owner::source,
         .start = get_from_source,
         .prepare = make_source},
        {.name = "a source's token, with a limit",
         .of = owner::source,
         .start = [](world& in) { in.source->async_get_access_token(60s, in.handler()); },
         .prepare = make_source},
        {.name = "a source's fresh token",
         .of = owner::source,
         .start = [](world& in) { in.source->async_get_new_access_token(in.handler()); },
         .prepare = fill_source},
        {.name = "a source's renewal",
         .of = owner::source,
         .start = get_from_source,
         .prepare = let_token_age,
         .background = true},
        {.name = "a source's token that nobody else wants",
         .of = owner::source,
         .start = get_from_source,
         .prepare = make_strict_source,
         .leaves_nothing = true},
    };
}

std::vector<operation> operations_of_nobody()
{
    return {
        {.name = "a token, once",
         .of = owner::nobody,
         .start =
             [](world& in)
         {
             coauth::async_get_access_token(
                 in.context->get_executor(), in.config, token_request(), in.handler());
         }},
        {.name = "discovery",
         .of = owner::nobody,
         .start =
             [](world& in)
         {
             coauth::async_discover(
                 in.context->get_executor(), in.config.server.issuer, discovery(in), in.handler());
         },
         .script = have_no_first_metadata},
    };
}

std::vector<operation> awaited_operations()
{
    auto made = std::vector<operation>{
        {.name = "a token, awaited",
         .of = owner::client,
         .start = awaiting([](world& in) { return in.client->async_get_access_token(); })},
        {.name = "introspection, awaited",
         .of = owner::client,
         .start = awaiting([](world& in) { return in.client->async_introspect(secret("t")); })},
        {.name = "revocation, awaited",
         .of = owner::client,
         .start = awaiting([](world& in) { return in.client->async_revoke(secret("t")); })},
        {.name = "a source's token, awaited",
         .of = owner::source,
         .start = awaiting([](world& in) { return in.source->async_get_access_token(); }),
         .prepare = make_source},
        {.name = "a source's token, awaited with a limit",
         .of = owner::source,
         .start = awaiting([](world& in) { return in.source->async_get_access_token(60s); }),
         .prepare = make_source},
        {.name = "a source's fresh token, awaited",
         .of = owner::source,
         .start = awaiting([](world& in) { return in.source->async_get_new_access_token(); }),
         .prepare = fill_source},
        {.name = "a token, awaited once",
         .of = owner::nobody,
         .start = awaiting(
             [](world& in)
             { return coauth::async_get_access_token(in.context->get_executor(), in.config); })},
        {.name = "discovery, awaited",
         .of = owner::nobody,
         .start = awaiting(
             [](world& in)
             {
                 return coauth::async_discover(
                     in.context->get_executor(), in.config.server.issuer, discovery(in));
             }),
         .script = have_no_first_metadata},
    };
    for (auto& one : made)
        one.first_step = 1;
    return made;
}

std::vector<operation> calls_with_a_token()
{
    auto made = std::vector<operation>{
        {.name = "a call with a token",
         .of = owner::source,
         .start = awaiting([](world& in) { return call_refused(in); }),
         .prepare = make_source,
         .script = give_another},
        {.name = "a call with a refused token",
         .of = owner::source,
         .start = awaiting([](world& in) { return call_refused(in); }),
         .prepare = fill_source},
        // It ends by itself alone, and its response is then the result.
        {.name = "a call that suspends",
         .of = owner::nobody,
         .start = awaiting([](world& in) { return call_api(in, 200); }),
         .prepare = fill_source,
         .of_server = false,
         .may_succeed = true},
        {.name = "a call that suspends and is refused",
         .of = owner::nobody,
         .start = awaiting([](world& in) { return call_api(in, 401); }),
         .prepare = fill_source,
         .of_server = false,
         .may_succeed = true},
    };
    for (auto& one : made)
        one.first_step = 1;
    return made;
}

} // namespace test
