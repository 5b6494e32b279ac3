{{ dwell.sessionize(relation=source('blog', 'reads'), partition_by=['user_number'], order_by='read_at') }}
