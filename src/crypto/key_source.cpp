#include "crypto/key_source.hpp"

#include "crypto/pem.hpp"
#include "values/signing_key_data.hpp"

#include <utility>

namespace coauth::crypto
{

key_source::key_source(signing_key source, std::string subject)
    : source_(std::move(source))
    , subject_(std::move(subject))
{
    auto const& data = detail::signing_key_access::data(source_);
    if (data && !data->path.empty())
        key_file_ = pem_file(data->path, subject_);
    if (data && !data->certificate_path.empty())
        certificate_file_ = pem_file(data->certificate_path, subject_);
    (void)current();
}

result<key_source::key_ptr> key_source::current(clock::time_point now)
{
    {
        std::lock_guard const lock(mutex_);
        if (key_ && is_current(versions_))
        {
            failure_.reset();
            return key_;
        }
        bool const is_text = !key_file_ && !certificate_file_;
        if (failure_ && is_text)
            return *failure_;
    }
    auto const versions = versions_on_disk();
    // Without the lock: it may call the user's function for the pass-phrase.
    auto loaded = private_key::load(source_, subject_, std::chrono::system_clock::now());
    std::lock_guard const lock(mutex_);
    if (loaded)
    {
        versions_ = versions;
        key_ = std::move(*loaded);
        failure_.reset();
        return key_;
    }
    if (!failure_)
        failing_since_ = now;
    failure_ = loaded.error();
    bool const usable = key_ && now - failing_since_ < grace;
    return usable ? result<key_ptr>(key_) : result<key_ptr>(*failure_);
}

key_source::file_versions key_source::versions_on_disk() const
{
    return {
        key_file_ ? key_file_->current_version() : detail::watched_file::version(),
        certificate_file_ ? certificate_file_->current_version() : detail::watched_file::version()};
}

bool key_source::is_current(file_versions const& versions) const
{
    return (!key_file_ || key_file_->is_current(versions.key)) &&
           (!certificate_file_ || certificate_file_->is_current(versions.certificate));
}

} // namespace coauth::crypto
