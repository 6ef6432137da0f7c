#include <coauth/redis_token_store.hpp>

#include "token_store/redis_store.hpp"

#include <utility>

namespace coauth
{

redis_token_store::redis_token_store(executor_type executor, redis_options options)
    : token_store(executor)
    , store_(std::make_shared<redis::store>(std::move(executor), std::move(options)))
{
}

redis_token_store::~redis_token_store()
{
    store_->close();
}

result<void> redis_token_store::validate() const
{
    return store_->validate();
}

void redis_token_store::start_load(std::string name, time_point deadline, load_handler handler)
{
    store_->start(
        {store_operation::load, std::move(name), {}, {}, {}}, deadline, std::move(handler));
}

void redis_token_store::start_claim(
    std::string name, std::string owner, std::chrono::milliseconds lease, time_point deadline,
    store_handler handler)
{
    store_->start(
        {store_operation::claim, std::move(name), std::move(owner), {}, lease}, deadline,
        std::move(handler));
}

void redis_token_store::start_renew(
    std::string name, std::string owner, std::chrono::milliseconds lease, time_point deadline,
    store_handler handler)
{
    store_->start(
        {store_operation::renew, std::move(name), std::move(owner), {}, lease}, deadline,
        std::move(handler));
}

void redis_token_store::start_publish(
    std::string name, std::string owner, std::string record, std::chrono::milliseconds life,
    time_point deadline, store_handler handler)
{
    store_->start(
        {store_operation::publish, std::move(name), std::move(owner), std::move(record), life},
        deadline, std::move(handler));
}

void redis_token_store::start_release(
    std::string name, std::string owner, time_point deadline, store_handler handler)
{
    store_->start(
        {store_operation::release, std::move(name), std::move(owner), {}, {}}, deadline,
        std::move(handler));
}

void redis_token_store::start_remove_if(
    std::string name, std::string digest, time_point deadline, store_handler handler)
{
    store_->start(
        {store_operation::remove_if, std::move(name), std::move(digest), {}, {}}, deadline,
        std::move(handler));
}

} // namespace coauth
