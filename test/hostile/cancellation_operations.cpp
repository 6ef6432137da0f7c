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

void get_token(cancellation_run& run)
{
    run.client->async_get_access_token(token_request(), run.handler());
}

void ignore(token_result const&) {}

void fetch_once(cancellation_run& run)
{
    run.client->async_get_access_token(token_request(), ignore);
    run.run_to_end();
}

void make_source(cancellation_run& run)
{
    run.source.emplace(*run.client);
}

void get_from_source(cancellation_run& run)
{
    run.source->async_get_access_token(run.handler());
}

void fill_source(cancellation_run& run)
{
    make_source(run);
    run.source->async_get_access_token(ignore);
    run.run_to_end();
}

// Fills the source with a token that is due for refresh for a long time.
void let_token_age(cancellation_run& run)
{
    coauth::token_source_options options;
    options.refresh_at = 1e-6;
    options.refresh_jitter = 0;
    run.source.emplace(*run.client, token_request(), options);
    run.source->async_get_access_token(ignore);
    run.run_to_end();
    std::this_thread::sleep_for(5ms);
}

void make_source_that_cancels_when_unwaited(cancellation_run& run)
{
    coauth::token_source_options options;
    options.cancel_when_unwaited = true;
    run.source.emplace(*run.client, token_request(), options);
}

coauth::discovery_options discovery(cancellation_run const& run)
{
    coauth::discovery_options options;
    options.tls = run.config.tls;
    options.lifetime = 0s;
    return options;
}

coauth::resource_discovery_options resource_discovery(cancellation_run const& run)
{
    coauth::resource_discovery_options options;
    options.discovery = discovery(run);
    return options;
}

// The first metadata URL is not found.
void omit_first_metadata(authorization_server& server)
{
    response missing;
    missing.status = 404;
    server.push_response(missing);
}

// Awaits the operation, with every type of cancellation enabled.
template <class Make>
asio::awaitable<void> await_operation(cancellation_run& run, Make make)
{
    co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    auto awaited = make(run);
    auto const got = co_await std::move(awaited);
    run.complete_with(got);
}

template <class Make>
std::function<void(cancellation_run&)> awaiting(Make make)
{
    return [make](cancellation_run& run)
    {
        asio::co_spawn(
            *run.context, await_operation(run, make),
            asio::bind_cancellation_slot(
                run.signal.slot(),
                [&run](std::exception_ptr const& thrown)
                {
                    if (thrown)
                        run.complete_with(thrown);
                }));
    };
}

// A call of an API, which takes two turns of the event loop, or if it is held until it is
// cancelled. Returns the status.
asio::awaitable<int> api_status(cancellation_run& run, int status)
{
    auto const tuple = asio::as_tuple(asio::use_awaitable);
    asio::steady_timer timer(*run.context);
    co_await asio::post(*run.context, asio::use_awaitable);
    timer.expires_after(run.held ? 60s : 0s);
    auto const waited = co_await timer.async_wait(tuple);
    (void)waited;
    co_return status;
}

auto call_api(cancellation_run& run, int status)
{
    auto const call = [&run, status](coauth::access_token const&)
    { return api_status(run, status); };
    return coauth::async_call_with_token(*run.source, call, [](int got) { return got == 401; });
}

// An API that rejects the first token at once.
auto call_api_that_rejects_first_token(cancellation_run& run)
{
    auto const calls = std::make_shared<int>(0);
    auto const call = [calls](coauth::access_token const&) -> asio::awaitable<int>
    { co_return ++*calls; };
    return coauth::async_call_with_token(*run.source, call, [](int got) { return got == 1; });
}

// The next token differs from the one before.
void issue_another_token(authorization_server& server)
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
         .prepare = fetch_once},
        // The request before it uses the only connection.
        {.name = "a token, queued",
         .of = owner::client,
         .start =
             [](cancellation_run& run)
         {
             run.client->async_get_access_token(token_request(), ignore);
             get_token(run);
         }},
        {.name = "introspection",
         .of = owner::client,
         .start = [](cancellation_run& run)
         { run.client->async_introspect(secret("t"), {}, run.handler()); }},
        {.name = "revocation",
         .of = owner::client,
         .start = [](cancellation_run& run)
         { run.client->async_revoke(secret("t"), {}, run.handler()); }},
        {.name = "a token, retried",
         .of = owner::client,
         .start = get_token,
         .configure =
             [](cancellation_run& run)
         {
             run.config.retry.initial_back_off = 10ms;
             run.config.retry.max_attempts = 2;
         },
         .script = [](authorization_server& server)
         { server.push_response(response::json(503, "")); }},
        {.name = "a token, in the wait before a retry",
         .of = owner::client,
         .start = get_token,
         .script =
             [](authorization_server& server)
         {
             auto busy = response::json(503, "");
             busy.headers.add("Retry-After", "5");
             server.push_response(busy);
         },
         .held_only = true},
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
         .start = [](cancellation_run& run)
         { run.source->async_get_access_token(60s, run.handler()); },
         .prepare = make_source},
        {.name = "a source's fresh token",
         .of = owner::source,
         .start = [](cancellation_run& run)
         { run.source->async_get_new_access_token(run.handler()); },
         .prepare = fill_source},
        {.name = "a source's refresh",
         .of = owner::source,
         .start = get_from_source,
         .prepare = let_token_age,
         .background = true},
        {.name = "a source's token that nobody else wants",
         .of = owner::source,
         .start = get_from_source,
         .prepare = make_source_that_cancels_when_unwaited,
         .cancels_fetch = true},
    };
}

std::vector<operation> one_shot_operations()
{
    return {
        {.name = "a token, once",
         .of = owner::none,
         .start =
             [](cancellation_run& run)
         {
             coauth::async_get_access_token(
                 run.context->get_executor(), run.config, token_request(), run.handler());
         }},
        {.name = "discovery",
         .of = owner::none,
         .start =
             [](cancellation_run& run)
         {
             coauth::async_discover(
                 run.context->get_executor(), run.config.server.issuer, discovery(run),
                 run.handler());
         },
         .script = omit_first_metadata},
        {.name = "discovery of a resource",
         .of = owner::none,
         .start =
             [](cancellation_run& run)
         {
             coauth::async_discover_resource(
                 run.context->get_executor(), run.config.server.issuer + "/api",
                 resource_discovery(run), run.handler());
         }},
    };
}

std::vector<operation> awaited_operations()
{
    auto operations = std::vector<operation>{
        {.name = "a token, awaited",
         .of = owner::client,
         .start =
             awaiting([](cancellation_run& run) { return run.client->async_get_access_token(); })},
        {.name = "introspection, awaited",
         .of = owner::client,
         .start = awaiting([](cancellation_run& run)
                           { return run.client->async_introspect(secret("t")); })},
        {.name = "revocation, awaited",
         .of = owner::client,
         .start =
             awaiting([](cancellation_run& run) { return run.client->async_revoke(secret("t")); })},
        {.name = "a source's token, awaited",
         .of = owner::source,
         .start =
             awaiting([](cancellation_run& run) { return run.source->async_get_access_token(); }),
         .prepare = make_source},
        {.name = "a source's token, awaited with a limit",
         .of = owner::source,
         .start = awaiting([](cancellation_run& run)
                           { return run.source->async_get_access_token(60s); }),
         .prepare = make_source},
        {.name = "a source's fresh token, awaited",
         .of = owner::source,
         .start = awaiting([](cancellation_run& run)
                           { return run.source->async_get_new_access_token(); }),
         .prepare = fill_source},
        {.name = "a token, awaited once",
         .of = owner::none,
         .start = awaiting(
             [](cancellation_run& run)
             { return coauth::async_get_access_token(run.context->get_executor(), run.config); })},
        {.name = "discovery, awaited",
         .of = owner::none,
         .start = awaiting(
             [](cancellation_run& run)
             {
                 return coauth::async_discover(
                     run.context->get_executor(), run.config.server.issuer, discovery(run));
             }),
         .script = omit_first_metadata},
    };
    for (auto& listed : operations)
        listed.first_step = 1;
    return operations;
}

std::vector<operation> calls_with_a_token()
{
    auto operations = std::vector<operation>{
        {.name = "a call with a token",
         .of = owner::source,
         .start =
             awaiting([](cancellation_run& run) { return call_api_that_rejects_first_token(run); }),
         .prepare = make_source,
         .script = issue_another_token},
        {.name = "a call with a rejected token",
         .of = owner::source,
         .start =
             awaiting([](cancellation_run& run) { return call_api_that_rejects_first_token(run); }),
         .prepare = fill_source},
        // A cancellation only ends its timer; its status is the result.
        {.name = "a call that suspends",
         .of = owner::none,
         .start = awaiting([](cancellation_run& run) { return call_api(run, 200); }),
         .prepare = fill_source,
         .waits_for_server = false,
         .may_succeed = true},
        {.name = "a call that suspends and is rejected",
         .of = owner::none,
         .start = awaiting([](cancellation_run& run) { return call_api(run, 401); }),
         .prepare = fill_source,
         .waits_for_server = false,
         .may_succeed = true},
    };
    for (auto& listed : operations)
        listed.first_step = 1;
    return operations;
}

} // namespace test
