#define BOOST_TEST_MODULE coauth_field
#include <boost/test/unit_test.hpp>
